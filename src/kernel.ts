import type { Heap } from './client.js';

/** What a callback may return. A promise delays the client's next record until it settles. */
export type CallbackResult = unknown;

/** Anything that names a session for `kernel.post` and `kernel.call`: its alias, its ID, or itself. */
export type SessionTarget = string | number | SessionReference;

/** One connected client, as callbacks see it. */
export interface SessionReference {
  /** Unique within its worker. */
  readonly ID: number;
}

/** The identifier of a timer. */
export type AlarmId = number;

/** The calls of POE::Kernel that handlers use, bound to one session. Times are in seconds; `alarm*` take epoch seconds. */
export interface Kernel {
  /** Queues an event to this session; `'shutdown'` ends it after its output is flushed. */
  yield(event: string, ...args: unknown[]): void;
  /** Queues an event to another session, to `heap.alias` or to `heap.master_alias`. @returns false if there is no such target */
  post(target: SessionTarget, event: string, ...args: unknown[]): boolean;
  /** Runs an event at once. @returns what its handler returns; undefined if there is no such target or handler */
  call(target: SessionTarget, event: string, ...args: unknown[]): unknown;
  /** (Re)starts the timer of that event name; without seconds it is cancelled. */
  delay(event: string, seconds?: number, ...args: unknown[]): void;
  /** Starts one more timer for that event name. */
  delay_add(event: string, seconds: number, ...args: unknown[]): void;
  /** Starts a timer. @returns its identifier */
  delay_set(event: string, seconds: number, ...args: unknown[]): AlarmId;
  /** Restarts a timer with another delay. @returns false if it is gone */
  delay_adjust(id: AlarmId, seconds: number): boolean;
  /** As `delay`, at a time in seconds since 1970. */
  alarm(event: string, epochSeconds?: number, ...args: unknown[]): void;
  /** As `delay_add`, at a time. */
  alarm_add(event: string, epochSeconds: number, ...args: unknown[]): void;
  /** As `delay_set`, at a time. */
  alarm_set(event: string, epochSeconds: number, ...args: unknown[]): AlarmId;
  /** Moves a timer by seconds, earlier if negative. @returns false if it is gone */
  alarm_adjust(id: AlarmId, deltaSeconds: number): boolean;
  /** Forgets a timer. @returns false if it was gone */
  alarm_remove(id: AlarmId): boolean;
  /** Forgets every timer of this session. */
  alarm_remove_all(): void;
  /** Adds or replaces the handler of an event of this session; without a function, removes it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the handler names the heap it expects
  state(event: string, handler?: (context: StateContext<any>) => CallbackResult): void;
  /** Names this session within its worker. @returns false if another session has the name */
  alias_set(name: string): boolean;
  /** Removes a name of this session. @returns false if it is not this session's */
  alias_remove(name: string): boolean;
  /** Finds a session of this worker by name. */
  alias_resolve(name: string): SessionReference | undefined;
  /** This session. */
  get_active_session(): SessionReference;
}

/** What every callback of a client gets. */
export interface Context<Own> {
  /** The client's heap: the user's own fields and the library's. */
  readonly heap: Heap<Own>;
  /** Events and timers of this session. */
  readonly kernel: Kernel;
  /** The session of this client. */
  readonly session: SessionReference;
}

/** What a handler of a session's own event gets. */
export interface StateContext<Own> extends Context<Own> {
  /** What the event was sent with. */
  readonly args: readonly unknown[];
  /** The event's name. */
  readonly state: string;
  /** The session that sent it. */
  readonly sender: SessionReference;
}

/** A handler of an event of a client's session. */
export type StateHandler<Own> = (context: StateContext<Own>) => CallbackResult;

/** Objects (or classes) and their events, in pairs: `[object, ['method', …], other, { event: 'method' }, …]`. */
export type StatePairs = readonly unknown[];
