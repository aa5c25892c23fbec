import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { enter, whenSettled, type Guarded } from './entry.js';
import { ownerOf, removeListenersBut } from './stream-entry.js';

/*
 * Parts of a connection that callbacks get and that take listeners: streams and signals. A listener is users' code, like a
 * callback, and what it throws would end the worker with all its clients.
 */

/** What Node calls when an async listener rejects (events, `captureRejections`). */
const REJECTED = Symbol.for('nodejs.rejection');

/** The socket of a client, for its callbacks: a stream that ClientPreConnect put in its place is taken for a net.Socket; the user knows what it lacks. */
export function lentSocket(stream: Duplex, owner: Guarded): Socket {
  guardListeners(stream, owner);
  return stream as unknown as Socket;
}

/**
 * Guards the listeners of a stream: what one throws, or rejects with, ends its client. And removeAllListeners() removes only
 * the user's: without ours and Node's its end would go unnoticed, and its next error would end the worker.
 *
 * @param first - what a fault ends until the stream is attached to a session
 */
export function guardListeners(stream: Duplex, first: Guarded): void {
  // What ClientPreConnect returns may have no more than a session needs.
  if (!(stream instanceof EventEmitter) || Object.hasOwn(stream, REJECTED)) return;
  const failed = (error: unknown): void => { (ownerOf(stream) ?? first).crashed(error); };
  const guarded = stream as Duplex & Record<symbol, unknown>;
  guarded[REJECTED] = failed;
  // Node has an option for it, but no way to set that for the sockets of a tls.Server. If a version of Node keeps the switch elsewhere,
  // rejections are not captured.
  kCapture ??= Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kCapture');
  if (kCapture !== undefined) guarded[kCapture] = true;
  const kept: unknown[] = [];
  for (const event of stream.eventNames()) kept.push(...stream.rawListeners(event));
  const emit = methodOf(stream, 'emit');
  stream.emit = (...given: unknown[]) => {
    try {
      return emit.apply(stream, given) as boolean;
    } catch (error) {
      failed(error);
      return true;
    }
  };
  const removeAll = methodOf(stream, 'removeAllListeners');
  stream.removeAllListeners = (...given: unknown[]) => {
    // One by one: if all are removed at once, Node makes a stream flow that its session has paused, because listeners for
    // 'readable' are gone.
    removeListenersBut(new Set(kept), stream, () => { for (const event of given.length > 0 ? given : stream.eventNames()) removeAll.call(stream, event); });
    return stream;
  };
}

let kCapture: symbol | undefined;

const methodOf = (stream: Duplex, name: 'emit' | 'removeAllListeners') => Reflect.get(stream, name) as (...given: unknown[]) => unknown;

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
          whenSettled(result, target, () => undefined, (error) => { target.crashed(error); });
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
