import type { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import type { Server, TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../clock.js';

/*
 * The only doors from the event loop into this folder (a lint rule keeps others out of it). Behind each of them runs code of
 * users: callbacks, filters, streams that ClientPreConnect made, getters of what they returned. An exception that got past a
 * door would end the worker with all its clients, so every door has a guard: a fault ends the client it belongs to.
 */

/** What a fault behind a door ends. */
export interface Guarded {
  /** A step of it threw. Ends it, and never throws. */
  crashed(thrown: unknown): void;
}

/** What the events of a stream go to. */
export interface StreamOwner extends Guarded {
  /** It wants to know only that something came. */
  readonly discards?: true;
  received(chunk: Buffer): void;
  /** The other side has sent everything. */
  finished(): void;
  broke(error: NodeJS.ErrnoException): void;
  closed(): void;
}

/** Runs a step of something; what it throws ends that thing alone. */
export function enter(target: Guarded, step: () => void): void {
  try {
    step();
  } catch (error) {
    target.crashed(error);
  }
}

/** A step as a function that may be given to a stream or a library. */
export const door = (target: Guarded, step: () => void): (() => void) => () => { enter(target, step); };

/** A step for when a write has been done. If it failed, 'error' and 'close' say so. */
export const doneDoor = (target: Guarded, step: () => void): ((error?: Error | null) => void) => (error) => { if (error == null) enter(target, step); };

/** Calls back once, later. */
export function startTimer(clock: Clock, delayMs: number, target: Guarded, step: () => void, options?: { readonly idle?: boolean }): Timer {
  return clock.after(delayMs, door(target, step), options);
}

/** Runs a step in a later turn, in the async context of now. */
export function nextTurn(clock: Clock, target: Guarded, step: () => void): void {
  clock.soon(door(target, step));
}

/** Runs a step when the code that runs now has returned. */
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

/** Goes on when a promise has settled. `failed` may be left out for one that never rejects. */
export function whenSettled<T>(promise: PromiseLike<T>, target: Guarded, fulfilled: (value: T) => void, failed: (error: unknown) => void = () => undefined): void {
  promise.then(
    (value) => { enter(target, () => { fulfilled(value); }); },
    (error: unknown) => { enter(target, () => { failed(error); }); },
  );
}

/** Listens to one event of a stream that is not attached. */
export function listenOnce(stream: Duplex, event: 'close' | 'error', target: Guarded, step: (error?: Error) => void): void {
  stream.once(event, (error?: Error) => { enter(target, () => { step(error); }); });
}

/**
 * Keeps an 'error' that needs no answer from ending the process: 'close' follows it. A broken TLS connection would stay open
 * otherwise; other streams have closed themselves.
 */
export function ignoreErrors(stream: Duplex): void {
  stream.on('error', close);
}

/** Calls back for each event of a TLS server, with the connection below the TLS socket that it is about. */
export function listenToHandshakes(server: Server, { secured, failed }: {
  readonly secured: (socket: Duplex, secure: TLSSocket) => void;
  readonly failed: (socket: Duplex, secure: TLSSocket, error: Error) => void;
}): void {
  // Node keeps it there from its first TLS sockets to now, and gives no other way (lib/_tls_wrap.js, _init).
  const below = (secure: TLSSocket): Duplex => (secure as unknown as { readonly _parent: Duplex })._parent;
  server.on('secureConnection', (secure) => { secured(below(secure), secure); });
  server.on('tlsClientError', (error, secure) => { failed(below(secure), secure, error); });
}

/** Watches who listens to the bytes of a stream. @returns ends it */
export function watchReaders(stream: Duplex, target: Guarded, { added, removed }: { readonly added: () => void; readonly removed: () => void }): () => void {
  const onAdded = (event: unknown): void => { if (event === 'data') enter(target, added); };
  // Not by 'removeListener': streams of Node 20 do not emit it for the only listener of an event.
  const methods = ['removeListener', 'off', 'removeAllListeners'] as const;
  for (const method of methods) {
    const original = Reflect.get(stream, method) as (...given: unknown[]) => unknown;
    stream[method] = (...given: unknown[]) => {
      const had = stream.listenerCount('data') > 0;
      original.apply(stream, given);
      if (had && stream.listenerCount('data') === 0) enter(target, removed);
      return stream;
    };
  }
  stream.on('newListener', onAdded);
  return () => {
    // What shadows the methods of the prototype goes, and they are there again.
    for (const method of methods) Reflect.deleteProperty(stream, method);
    stream.off('newListener', onAdded);
  };
}

/** Runs a step in an async context that is not the caller's. */
export const within = <T>(scope: AsyncResource, step: () => T): T => scope.runInAsyncScope(step);

// --- Streams ----------------------------------------------------------------------------------------------------------

const OWNER = Symbol('owner');

/** A stream that has been attached. */
interface Attached {
  [OWNER]?: StreamOwner;
}

/**
 * Sends the events of a stream to an owner, in the place of the one before. The listeners are the same functions for all
 * streams: closures for each would be a tenth of what an idle client costs.
 *
 * @param readsDirectly - its bytes come by `deliverTo`, not by 'data'
 */
export function attach(stream: Duplex, owner: StreamOwner, readsDirectly: boolean): void {
  const attached = stream as Attached;
  const isFirst = attached[OWNER] === undefined;
  attached[OWNER] = owner;
  if (!isFirst) return;
  if (!readsDirectly) stream.on('data', onData);
  stream.on('end', onEnd).on('error', onError).on('close', onClose);
  // Of what comes broken after the handshake, a TLSSocket that is no tls.Server's emits this alone, and stays open.
  if ('encrypted' in stream) stream.on('_tlsError', onError);
}

/**
 * Sends what comes in on a stream to an owner that will give the stream away unchanged: without a trace after the end, and
 * what was read too much goes back by unshift(). @returns ends it
 */
export function readAhead(stream: Duplex, owner: StreamOwner): () => void {
  let isReading = true;
  const read = (): void => {
    enter(owner, () => {
      for (let chunk: unknown; isReading && (chunk = stream.read()) !== null;) owner.received(chunk as Buffer);
    });
  };
  const ended = (): void => { enter(owner, () => { owner.finished(); }); };
  const broke = (error: NodeJS.ErrnoException): void => { enter(owner, () => { owner.broke(error); }); };
  const closed = (): void => { enter(owner, () => { owner.closed(); }); };
  // Not by 'data': a stream that has flowed does not begin to flow by itself for whoever listens next.
  stream.on('readable', read).on('end', ended).on('error', broke).on('close', closed);
  return () => {
    isReading = false;
    stream.off('readable', read).off('end', ended).off('error', broke).off('close', closed);
  };
}

/**
 * Gives bytes to the owner of a stream. They are copied, since filters keep what is not a whole record yet, and their memory is used for
 * the next read. Of bytes that are thrown away there would be megabytes for the garbage collector.
 */
export function deliverTo(stream: Duplex, bytes: Uint8Array): void {
  const owner = (stream as Attached)[OWNER];
  if (owner === undefined) return;
  try {
    // What a user hears on a stream must not depend on how it is read, nor on who else has read it before.
    const isHeard = stream.listenerCount('data') > 0;
    const chunk = Buffer.from(owner.discards === true && !isHeard ? [] : bytes);
    owner.received(chunk);
    if (isHeard) stream.emit('data', chunk);
  } catch (error) {
    owner.crashed(error);
  }
}

function onData(this: Duplex, chunk: Buffer): void {
  const owner = (this as Attached)[OWNER];
  try {
    owner?.received(chunk);
  } catch (error) {
    owner?.crashed(error);
  }
}

function onEnd(this: Duplex): void {
  const owner = (this as Attached)[OWNER];
  if (owner !== undefined) enter(owner, () => { owner.finished(); });
}

function onError(this: Duplex, error: NodeJS.ErrnoException): void {
  const owner = (this as Attached)[OWNER];
  if (owner !== undefined) enter(owner, () => { owner.broke(error); });
}

function onClose(this: Duplex): void {
  const owner = (this as Attached)[OWNER];
  if (owner !== undefined) enter(owner, () => { owner.closed(); });
}

function close(this: Duplex): void {
  this.destroy();
}

/** Closes our side of a stream, and goes on when all output is in the kernel's hands. If it fails, 'error' and 'close' say so. */
export function endThen(stream: Duplex, target: Guarded, step: () => void): void {
  stream.end(doneDoor(target, step));
}

// --- Signals ----------------------------------------------------------------------------------------------------------

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null;
type Listen = (type: string, listener: Listener, options?: unknown) => void;

/** Guards the listeners of a signal that users get: what one throws would be an uncaught exception. */
export function guardSignal(signal: AbortSignal, target: Guarded): void {
  const doors = new WeakMap<object, (event: Event) => void>();
  const doorOf = (listener: Listener): Listener => {
    if (listener === null) return null;
    let guarded = doors.get(listener);
    if (guarded === undefined) {
      guarded = (event) => {
        enter(target, () => {
          const result: unknown = typeof listener === 'function' ? listener.call(signal, event) : listener.handleEvent(event);
          whenSettled(Promise.resolve(result), target, () => undefined, (error) => { target.crashed(error); });
        });
      };
      doors.set(listener, guarded);
    }
    return guarded;
  };
  const add = signal.addEventListener.bind(signal) as Listen;
  const remove = signal.removeEventListener.bind(signal) as Listen;
  signal.addEventListener = ((type, listener, options) => { add(type, doorOf(listener), options); });
  signal.removeEventListener = ((type, listener, options) => { remove(type, doorOf(listener), options); });
}
