import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { show } from '../checks.js';
import { PreforkError } from '../errors.js';
import { enter, type Guarded } from './entry.js';

/** What the events of a stream go to. */
export interface StreamOwner extends Guarded {
  /** Set if it only wants to know that something came. */
  readonly discards?: true;
  received(chunk: Buffer): void;
  /** The other side has sent everything. */
  finished(): void;
  broke(error: NodeJS.ErrnoException): void;
  closed(): void;
}

/** Listens to one event of a stream that is not attached. */
export function listenOnce(stream: Duplex, event: 'close' | 'error', target: Guarded, step: (error?: Error) => void): void {
  stream.once(event, ours((error?: Error) => { enter(target, () => { step(error); }); }));
}

/**
 * Keeps an 'error' that needs no answer from ending the process; 'close' follows it. The stream is destroyed, since a broken
 * TLS connection would otherwise stay open; other streams have closed themselves.
 */
export function ignoreErrors(stream: Duplex): void {
  stream.on('error', close);
}

/** Watches for listeners to the bytes of a stream. @returns a function that ends this */
export function watchReaders(stream: Duplex, target: Guarded, { added, removed }: { readonly added: () => void; readonly removed: () => void }): () => void {
  const onAdded = ours((event: unknown): void => { if (event === 'data') enter(target, added); });
  // Not by 'removeListener': streams of Node 20 do not emit it for the only listener of an event.
  const methods = (['removeListener', 'off', 'removeAllListeners'] as const).map((method) => (
    { method, own: Object.getOwnPropertyDescriptor(stream, method), original: Reflect.get(stream, method) as (...given: unknown[]) => unknown }
  ));
  for (const { method, original } of methods) {
    stream[method] = (...given: unknown[]) => {
      const had = stream.listenerCount('data') > 0;
      original.apply(stream, given);
      if (had && stream.listenerCount('data') === 0) enter(target, removed);
      return stream;
    };
  }
  stream.on('newListener', onAdded);
  return () => {
    for (const { method, own } of methods) {
      // Removes what shadows the prototype's method, which then shows again.
      Reflect.deleteProperty(stream, method);
      if (own !== undefined) Object.defineProperty(stream, method, own);
    }
    stream.off('newListener', onAdded);
  };
}

const OWNER = Symbol('owner');

/** A stream that has been attached. */
interface Attached {
  [OWNER]?: StreamOwner;
}

/**
 * Sends the events of a stream to an owner, in place of the previous one. The listeners are the same functions for all
 * streams: closures for each would be a tenth of the cost of an idle client.
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
  // For broken data after the handshake, a TLSSocket that is not a tls.Server's emits only this, and stays open.
  if ('encrypted' in stream) stream.on('_tlsError', onError);
}

/**
 * Sends what comes in on a stream to an owner that will pass on the stream unchanged: no trace is left, and what was read
 * beyond need goes back by unshift(). @returns a function that ends this
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
  // Not by 'data': a stream that has flowed does not start to flow again for the next listener.
  stream.on('readable', read).on('end', ended).on('error', broke).on('close', closed);
  return () => {
    isReading = false;
    stream.off('readable', read).off('end', ended).off('error', broke).off('close', closed);
  };
}

/**
 * Gives bytes to the owner of a stream. They are copied, since filters keep what is not a whole record yet, and their memory is reused
 * for the next read. Discarded bytes are not: that would make megabytes of garbage.
 */
export function deliverTo(stream: Duplex, bytes: Uint8Array): void {
  const owner = (stream as Attached)[OWNER];
  if (owner === undefined) return;
  try {
    // What a user's listener gets must not depend on how the stream is read, nor on what has read it before.
    const isHeard = stream.listenerCount('data') > 0;
    const chunk = Buffer.from(owner.discards === true && !isHeard ? [] : bytes);
    owner.received(chunk);
    if (!isHeard) return;
    const heard = stream.readableEncoding === null ? chunk : textIn(stream, chunk, stream.readableEncoding);
    // An incomplete character is not emitted yet.
    if (heard.length > 0) stream.emit('data', heard);
  } catch (error) {
    owner.crashed(error);
  }
}

/** What the events of a stream go to now; undefined before it is attached. */
export const ownerOf = (stream: Duplex): StreamOwner | undefined => (stream as Attached)[OWNER];

/** Removes the listeners of a stream, except our own and others that are to stay. */
export function removeListenersBut(kept: ReadonlySet<unknown>, stream: Duplex, remove: () => void): void {
  const before = stream.eventNames().flatMap((event) => stream.rawListeners(event).map((listener) => ({ event, listener })));
  remove();
  for (const { event, listener } of before) {
    const stays = kept.has(listener) || OURS.has((listener as { listener?: object }).listener ?? listener);
    if (stays && !stream.rawListeners(event).includes(listener)) stream.on(event, listener as () => void);
  }
}

const decoders = new WeakMap<Duplex, { readonly encoding: BufferEncoding; readonly decoder: StringDecoder }>();

/** What a user who has called setEncoding() gets: a read may end in the middle of a character. */
function textIn(stream: Duplex, bytes: Buffer, encoding: BufferEncoding): string {
  let known = decoders.get(stream);
  if (known?.encoding !== encoding) decoders.set(stream, known = { encoding, decoder: new StringDecoder(encoding) });
  return known.decoder.write(bytes);
}

function onData(this: Duplex, chunk: unknown): void {
  const owner = (this as Attached)[OWNER];
  try {
    owner?.received(Buffer.isBuffer(chunk) ? chunk : bytesIn(this, chunk));
  } catch (error) {
    owner?.crashed(error);
  }
}

/** The bytes of a chunk from a stream that ClientPreConnect returned: it may have been given an encoding, or not be one of Node's. */
function bytesIn(stream: Duplex, chunk: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, stream.readableEncoding ?? 'utf8');
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new PreforkError('ERR_PREFORK_CALLBACK', `The stream that ClientPreConnect returned was read as ${show(chunk)}; it must give bytes.`);
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

/** Listeners by which this folder learns what happens to streams. */
const OURS = new WeakSet<object>([onData, onEnd, onError, onClose, close]);

/** Adds one to them. */
function ours<Listener extends object>(listener: Listener): Listener {
  OURS.add(listener);
  return listener;
}
