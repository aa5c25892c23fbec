import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import type { AnyFilter } from '../filters/filter.js';
import type { ClientCallbacks } from '../options/parts.js';
import type { EventQueue } from './event-queue.js';
import type { Session } from './session.js';

/** The user's callbacks of one client. */
export type SessionCallbacks = ClientCallbacks;

/** What all sessions of a worker share. */
export interface SessionShared {
  readonly callbacks: SessionCallbacks;
  readonly clock: Clock;
  readonly queue: EventQueue;
  readonly clientArgs: readonly unknown[];
  readonly marks: { readonly high: number; readonly low: number };
  readonly createFilters: () => { readonly input: AnyFilter; readonly output: AnyFilter };
  /** Whether clients may be idle for some time only, so that output which they take has to be noticed. */
  readonly isTimed: boolean;
  /** The user's code is about to run. */
  readonly active: () => void;
  /** Reports a fault of a callback to the master. */
  readonly failed: (error: Error, where: string) => void;
  /** The session is over; the stream may still have to be closed, with patience or at once. */
  readonly ended: (session: Session, stream: Duplex, how: 'politely' | 'at once') => void;
}
