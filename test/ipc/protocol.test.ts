import { describe, expect, it } from 'vitest';
import { envelope, foreignVersion, isForeignWelcome, isOurs, parseToMaster, parseToWorker } from '../../src/ipc/protocol.js';
import type { ToMaster, ToWorker, WelcomeOrder, WorkerErrorReport, WorkerState } from '../../src/ipc/protocol.js';
import { DRAIN_REASONS, PAUSE_REASONS } from '../../src/policy/reasons.js';
import type { PauseReason } from '../../src/policy/reasons.js';
import { PERMIT_STATES } from '../../src/policy/permits.js';
import { Seeded, seeds } from '../support/seeded.js';
import { isRecord, kindsOf, leaves, randomJson, withLeaf } from '../support/json-shapes.js';

type Message = ToWorker | ToMaster;
type Samples<Kind extends Message> = { readonly [Type in Kind['type']]: readonly Extract<Kind, { readonly type: Type }>[] };

const CONFIG = { heartbeatMs: 500, graceMs: 3000, maxClients: 1, concurrency: 2, maxServed: 3 };
const UNLIMITED = { heartbeatMs: 500, graceMs: null, maxClients: null, concurrency: null, maxServed: null };
const WELCOME: WelcomeOrder = {
  type: 'welcome', config: CONFIG, paused: false, share: 4, backlog: 511, endWithMaster: false,
  address: { address: '127.0.0.1', family: 'IPv4', port: 80 }, ticketKeys: null,
};
const STATE: WorkerState = {
  clients: 1, served: 2, copiesUsed: 3, accepting: true, permit: 'held', ordersSeen: 4, paused: [], reportMs: 5000, pulseMs: 1000, share: 5, draining: false,
};
const BLOCKED: WorkerState = {
  ...STATE, accepting: false, permit: 'spent', paused: Object.keys(PAUSE_REASONS) as PauseReason[], share: null,
};
const VITALS = { rss: 1, heapUsed: 2, loopDelayMs: 0.5 };
const ERROR: WorkerErrorReport = { name: 'TypeError', message: 'no', stack: 'TypeError: no\n  at', code: 'ERR', where: 'ClientInput' };
const BARE_ERROR: WorkerErrorReport = { name: 'Error', message: '', where: 'uncaught' };

// A message of every kind; where a field may be of several types, one of each.
const ORDERS: Samples<ToWorker> = {
  'welcome': [WELCOME, { ...WELCOME, config: UNLIMITED, share: null, address: '/run/server.sock', ticketKeys: 'AAAA' }],
  'configure': [{ type: 'configure', config: CONFIG }, { type: 'configure', config: UNLIMITED }],
  'copy': [{ type: 'copy' }],
  'permit': [{ type: 'permit', ceiling: 4, pulseMs: 1000 }],
  'withdraw': [{ type: 'withdraw' }],
  'share': [{ type: 'share', clients: 0 }, { type: 'share', clients: null }],
  'ticket-keys': [{ type: 'ticket-keys', keys: 'AAAA' }],
  'pause': [{ type: 'pause' }],
  'resume': [{ type: 'resume' }],
  'drain': [{ type: 'drain', reason: 'lifetime', graceMs: 0, lastCallMs: 0 }, { type: 'drain', reason: 'asked', graceMs: null, lastCallMs: 1000 }],
  'stay': [{ type: 'stay' }],
  'probe': [{ type: 'probe' }],
  'heartbeat': [{ type: 'heartbeat' }],
  'message': [{ type: 'message', text: '{}' }],
  'answer': [{ type: 'answer', ask: 1, text: '7', refused: null }, { type: 'answer', ask: 2, text: null, refused: 'no' }],
};
const FACTS: Samples<ToMaster> = {
  'loaded': [{ type: 'loaded', made: [] }, { type: 'loaded', made: ['other'] }],
  'hello': [{ type: 'hello', version: 1 }],
  'ready': [{ type: 'ready', options: {} }],
  'pulse': [{ type: 'pulse' }],
  'state': [{ type: 'state', state: STATE }, { type: 'state', state: BLOCKED }],
  'heartbeat': [{ type: 'heartbeat', state: STATE, vitals: VITALS }, { type: 'heartbeat', state: BLOCKED, vitals: VITALS }],
  'draining': [{ type: 'draining', reason: 'shutdown' }, { type: 'draining', reason: 'asked', graceMs: 5 }, { type: 'draining', reason: 'asked', graceMs: null }],
  'signalled': [{ type: 'signalled' }],
  'failed': [{ type: 'failed', error: ERROR }, { type: 'failed', error: BARE_ERROR }],
  'boot-failed': [{ type: 'boot-failed', error: ERROR }, { type: 'boot-failed', error: BARE_ERROR }],
  'listen-failed': [{ type: 'listen-failed', code: 'EADDRINUSE', message: 'in use' }],
  'shutdown-all': [{ type: 'shutdown-all' }],
  'message': [{ type: 'message', text: '{}', ask: 1 }, { type: 'message', text: '7', ask: null }],
  'broadcast': [{ type: 'broadcast', text: '{}' }],
};

const TOKEN = 'secret';

/** What arrives at the other end of the channel. */
const sent = (message: unknown): unknown => JSON.parse(JSON.stringify(envelope(message as Message, TOKEN)));

const toOrder = (message: unknown): ToWorker | undefined => parseToWorker(message, TOKEN);
const toFact = (message: unknown): ToMaster | undefined => parseToMaster(message, TOKEN);

const JUNK: readonly unknown[] = [undefined, null, true, 7, 'x', '', [], [1], {}, { type: 'x' }];

describe.each([
  ['parseToWorker', toOrder, ORDERS],
  ['parseToMaster', toFact, FACTS],
] as const)('%s', (_name, parse, table) => {
  const samples: Readonly<Record<string, readonly Message[]>> = table;
  const kinds = Object.entries(samples).map(([type, messages]) => ({ type, messages, shape: kindsOf(messages) }));

  it.each(kinds)('returns every "$type" that was sent', ({ messages }) => {
    for (const message of messages) expect(parse(sent(message))).toEqual(message);
  });

  it.each(kinds)('refuses a "$type" with a field that is missing or of a wrong type', ({ messages, shape }) => {
    for (const message of messages) {
      for (const path of [...kindsOf([message]).keys()].filter((one) => one !== '' && one !== 'type')) {
        for (const value of JUNK) {
          const parsed = parse(sent(withLeaf(message, path, value)));
          const [kind] = kindsOf([value]).get('') ?? [];
          if (shape.get(path)?.has(kind ?? '') !== true) expect(parsed, `${path} = ${String(value)}`).toBeUndefined();
          else if (parsed !== undefined) expect(kindsOf([parsed]).get(path) ?? new Set(['undefined'])).toEqual(new Set([kind]));
        }
      }
    }
  });

  it.each(kinds)('refuses a "$type" with a negative amount', ({ messages }) => {
    for (const message of messages) {
      for (const path of leaves(message).filter((leaf) => leaf !== 'version' && kindsOf([message]).get(leaf)?.has('number') === true)) {
        expect(parse(sent(withLeaf(message, path, -1))), path).toBeUndefined();
      }
    }
  });

  it('lets messages of the user pass by', () => {
    const users = [undefined, null, 0, 'ready', [], {}, { type: 'ready', options: {} }, { type: 'copy' }, { 'prefork-tcp-server': 'ready' }, { cmd: 'NODE_X' }];

    for (const message of users) expect(parse(message)).toBeUndefined();
  });

  it('refuses kinds it does not know', () => {
    for (const type of [...JUNK, 'accept', 'toString', '__proto__']) expect(parse(sent({ type }))).toBeUndefined();
  });

  it('returns nothing or a message of a known shape for anything at all, and never throws (random)', () => {
    let understood = 0;
    for (const seed of seeds(4000)) {
      const random = new Seeded(seed);
      const message = random.pick(random.pick(Object.values(samples)));
      let sentence: unknown = message;
      for (let change = random.int(0, 2); change > 0 && isRecord(sentence); change--) {
        sentence = withLeaf(sentence, random.pick(['type', ...leaves(sentence)]), randomJson(random));
      }

      const parsed = parse(random.chance(0.9) ? sent(sentence) : randomJson(random));

      if (parsed === undefined) continue;
      understood += 1;
      const shape = kinds.find(({ type }) => type === parsed.type)?.shape;
      for (const [path, found] of kindsOf([parsed])) {
        for (const kind of found) expect(shape?.get(path)?.has(kind), `seed ${seed}: ${path} is ${kind}`).toBe(true);
      }
      expect(parse(sent(parsed)), `seed ${seed}`).toEqual(parsed);
    }
    expect(understood).toBeGreaterThan(1000);
  });
});

describe('words', () => {
  it.each([
    ['a reason to drain', toOrder, { type: 'drain', reason: 'boredom', graceMs: 0 }],
    ['a reason to drain, reported', toFact, { type: 'draining', reason: 'boredom' }],
    ['a state of the permit', toFact, { type: 'state', state: { ...STATE, permit: 'lost' } }],
    ['a reason to pause', toFact, { type: 'state', state: { ...STATE, paused: ['limit', 'boredom'] } }],
  ])('that are not known are refused: %s', (_title, parse, message) => {
    expect(parse(sent(message))).toBeUndefined();
  });

  it.each(Object.keys(DRAIN_REASONS))('that are known are taken: %s is a reason to drain', (reason) => {
    expect(toFact(sent({ type: 'draining', reason }))).toEqual({ type: 'draining', reason });
  });

  it.each(Object.keys(PERMIT_STATES))('that are known are taken: %s is a state of the permit', (permit) => {
    expect(toFact(sent({ type: 'state', state: { ...STATE, permit } }))).toMatchObject({ state: { permit } });
  });
});

describe('the secret', () => {
  it('makes a message one of ours, well formed or not', () => {
    expect(isOurs(sent(WELCOME), TOKEN)).toBe(true);
    expect(isOurs({ 'prefork-tcp-server': { token: TOKEN } }, TOKEN)).toBe(true);
  });

  it.each([
    ['without it', { 'prefork-tcp-server': { type: 'shutdown-all' } }],
    ['with a wrong one', { 'prefork-tcp-server': { type: 'shutdown-all', token: 'guessed' } }],
    ['with it in a wrong place', { type: 'shutdown-all', token: TOKEN }],
    ['of the user', { type: 'ready' }],
    ['that is no object', 'prefork-tcp-server'],
    ['that is null', null],
  ])('is asked of every message: one %s is not ours', (_title, message) => {
    expect(isOurs(message, TOKEN)).toBe(false);
    expect(toFact(message)).toBeUndefined();
    expect(toOrder(message)).toBeUndefined();
  });

  it('of another server makes a welcome foreign', () => {
    const others = JSON.parse(JSON.stringify(envelope(WELCOME, 'other'))) as unknown;

    expect(isForeignWelcome(others, TOKEN)).toBe(true);
    expect([sent(WELCOME), { type: 'welcome' }, null].map((message) => isForeignWelcome(message, TOKEN))).toEqual([false, false, false]);
  });

  it('is not asked of the first words of a worker of another version', () => {
    expect(foreignVersion({ 'prefork-tcp-server': { type: 'hello', version: 1 } })).toBe(1);
    expect([{ 'prefork-tcp-server': { type: 'ready' } }, { type: 'hello', version: 1 }, 'hello'].map(foreignVersion)).toEqual([undefined, undefined, undefined]);
  });
});
