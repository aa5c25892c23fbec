import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import type { Server, TLSSocket } from 'node:tls';
import { startDeadline, type Clock, type Timer } from '../clock.js';
import { asError } from '../errors.js';

/*
 * The doors from the event loop into this folder; those of streams are in stream-entry.ts (a lint rule forbids others). Behind each of them runs users' code:
 * callbacks, filters, streams that ClientPreConnect made, getters of what they returned. An exception that got past a door would end the worker with all its
 * clients, so every door has a guard: a fault ends the client that it belongs to.
 */

/** What a fault behind a door ends. */
export interface Guarded {
  /** A step of it threw. Ends it, and itself never throws. */
  crashed(thrown: unknown): void;
}

/** Runs a step of something; if the step throws, only that thing ends. */
export function enter(target: Guarded, step: () => void): void {
  try {
    step();
  } catch (error) {
    target.crashed(error);
  }
}

/** A step as a function that may be given to a stream or a library. */
export const door = (target: Guarded, step: () => void): (() => void) => () => { enter(target, step); };

/** A step to run when a write is done. If the write failed, 'error' and 'close' follow. */
export const doneDoor = (target: Guarded, step: () => void): ((error?: Error | null) => void) => (error) => { if (error == null) enter(target, step); };

/** Calls back once, later. */
export function startTimer(clock: Clock, delayMs: number, target: Guarded, step: () => void, options?: { readonly idle?: boolean }): Timer {
  return clock.after(delayMs, door(target, step), options);
}

/** Calls back once the other side has had some time for something (clock.ts). */
export function startPatience(clock: Clock, delayMs: number, target: Guarded, step: () => void, options?: { readonly idle?: boolean }): Timer {
  return startDeadline(clock, delayMs, door(target, step), options);
}

/** Runs a step in a later turn, in the current async context. */
export function nextTurn(clock: Clock, target: Guarded, step: () => void): void {
  clock.soon(door(target, step));
}

/** Runs a step when the code that is running now has returned. */
export function afterThis<Target extends Guarded>(target: Target, step: (target: Target) => void): void {
  process.nextTick(runTick, target, step);
}

function runTick<Target extends Guarded>(target: Target, step: (target: Target) => void): void {
  try {
    step(target);
  } catch (error) {
    target.crashed(error);
  }
}

/**
 * Goes on when something has settled, as `await` would: a promise (whatever methods of its own it has), any thenable, or
 * a value. `failed` may be left out if it never rejects.
 */
export function whenSettled<T>(given: T, target: Guarded, fulfilled: (value: Awaited<T>) => void, failed: (error: unknown) => void = () => undefined): void {
  void then.call(
    asPromise(given),
    (value: Awaited<T>) => { enter(target, () => { fulfilled(value); }); },
    (error: unknown) => { enter(target, () => { failed(error); }); },
  );
}

/** A native promise that settles like what was given, whatever that is. */
function asPromise<T>(given: T): Promise<Awaited<T>> {
  try {
    return Promise.resolve(given);
  } catch (error) {
    // A getter of it threw: for a promise, `constructor` is read.
    return Promise.reject(asError(error));
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its promise
const { then } = Promise.prototype;

/** Calls back for each event of a TLS server, with the connection below the TLS socket concerned. */
export function listenToHandshakes(server: Server, { secured, failed }: {
  readonly secured: (socket: Duplex, secure: TLSSocket) => void;
  readonly failed: (socket: Duplex, secure: TLSSocket, error: Error) => void;
}): void {
  // Node has always kept it there, and offers no other way to get at it (lib/_tls_wrap.js, _init).
  const below = (secure: TLSSocket): Duplex => (secure as unknown as { readonly _parent: Duplex })._parent;
  server.on('secureConnection', (secure) => { secured(below(secure), secure); });
  server.on('tlsClientError', (error, secure) => { failed(below(secure), secure, error); });
}

/** Node then emits a destroy event for it, but only if somebody listens to these: a constant costs less than none. */
const COLLECTED = { requireManualDestroy: false };

/** An async scope in the current async context: what is put into an AsyncLocalStorage within it is visible to no other. */
export const newScope = (type = 'PREFORK_CALLBACK'): AsyncResource => new AsyncResource(type, COLLECTED);

/** Runs a step in an async context that is not the caller's. */
export const within = <T>(scope: AsyncResource, step: () => T): T => scope.runInAsyncScope(step);

/** Closes our side of a stream, and goes on when the kernel has all output. If it fails, 'error' and 'close' follow. */
export function endThen(stream: Duplex, target: Guarded, step: () => void): void {
  stream.end(doneDoor(target, step));
}
