import { expectTypeOf, it } from 'vitest';
import { TO_MASTER, TO_WORKER } from '../../src/ipc/protocol.js';
import type { ToMaster, ToWorker } from '../../src/ipc/protocol.js';
import type { Shapes } from '../../src/ipc/shapes.js';
import { PERMIT_STATES } from '../../src/policy/permits.js';
import type { PermitState } from '../../src/policy/permits.js';
import { DRAIN_REASONS, KILL_REASONS, OWN_ENDS, PAUSE_REASONS } from '../../src/policy/reasons.js';
import type { DrainReason, ExitReason, KillReason, PauseReason } from '../../src/policy/reasons.js';
import type { ServerStatus } from '../../src/index.js';

type Words<Reason extends string> = Readonly<Record<Reason, string>>;

it('has words for every reason: one that is not in its table is none', () => {
  expectTypeOf(DRAIN_REASONS).toExtend<Words<DrainReason>>();
  expectTypeOf(KILL_REASONS).toExtend<Words<KillReason>>();
  expectTypeOf(PAUSE_REASONS).toExtend<Words<PauseReason>>();
  expectTypeOf(PERMIT_STATES).toExtend<Words<PermitState>>();
  expectTypeOf(OWN_ENDS).toExtend<Words<Exclude<ExitReason, DrainReason | `killed:${KillReason}`>>>();
  // @ts-expect-error -- a reason without words
  expectTypeOf(DRAIN_REASONS).toExtend<Words<DrainReason | 'boredom'>>();
  // @ts-expect-error -- a reason without words
  expectTypeOf(PAUSE_REASONS).toExtend<Words<PauseReason | 'boredom'>>();
  expectTypeOf<'boredom'>().not.toExtend<DrainReason | KillReason | PauseReason | PermitState | ExitReason>();
});

it('counts the exits of every reason', () => {
  expectTypeOf<keyof ServerStatus['totals']['exits']>().toEqualTypeOf<ExitReason>();
});

it('asks for the checks of a message that is added', () => {
  expectTypeOf(TO_WORKER).toExtend<Shapes<ToWorker>>();
  expectTypeOf(TO_MASTER).toExtend<Shapes<ToMaster>>();
  // @ts-expect-error -- an order without checks
  TO_WORKER satisfies Shapes<ToWorker | { readonly type: 'dance' }>;
  // @ts-expect-error -- a fact without checks
  TO_MASTER satisfies Shapes<ToMaster | { readonly type: 'danced' }>;
});

it('asks for the check of a field that is added, and of one that becomes optional', () => {
  type Longer<Message, Type extends string, More> = Message extends { readonly type: Type } ? Message & More : Message;
  // @ts-expect-error -- a field without a check
  TO_WORKER satisfies Shapes<Longer<ToWorker, 'drain', { readonly song: string }>>;
  // @ts-expect-error -- an optional field without a check
  TO_MASTER satisfies Shapes<Longer<ToMaster, 'ready', { readonly song?: string }>>;
});

it('refuses a check of another type than its field', () => {
  // @ts-expect-error -- the reason is no number
  TO_WORKER satisfies Shapes<{ readonly type: 'drain'; readonly reason: number; readonly graceMs: number | null }>;
});
