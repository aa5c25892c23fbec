import { systemClock } from '../clock.js';
import { PreforkError } from '../errors.js';
import { stalledText } from '../ipc/backlog.js';
import { ProcessChannel, trace } from '../ipc/channel.js';
import { isForeignWelcome, isOurs, parseToWorker } from '../ipc/protocol.js';
import type { ToMaster, ToWorker } from '../ipc/protocol.js';
import { toReport } from './error-report.js';
import type { HandleCopy } from './listener.js';

/** A worker's line to its master. Tests give the runtime one in memory. */
export interface MasterChannel {
  /** @returns false if the master has gone, or does not read */
  send(fact: ToMaster): boolean;
  /** Calls back for every order; a copy of the listening handle comes with 'copy'. */
  onOrder(listener: (order: ToWorker, copy: HandleCopy | undefined) => void): void;
  /** Calls back when a master of another server says its welcome: this process was not started by its master. */
  onStranger(listener: () => void): void;
  /** Calls back once when the master has gone; also if it had before. */
  onClosed(listener: () => void): void;
  /** Gives a message of the user's own to those of their listeners that are on `process`. */
  pass(message: unknown): void;
}

/** The IPC channel of this process. The user's own messages on it pass by. */
export function processChannel(token: string): MasterChannel {
  const channel = new ProcessChannel<ToMaster>(endpoint(), token, () => {
    channel.send({ type: 'failed', error: toReport(new PreforkError('ERR_PREFORK_MESSAGE', stalledText('The master')), 'message') });
  });
  let stranger = (): void => undefined;
  let own: unknown;
  let closed = (): void => undefined;
  return {
    send(fact) {
      const isSent = channel.send(fact);
      // Asked, not only listened to: the program may keep the event from us, and a worker without a master would never end.
      if (!process.connected) process.nextTick(closed);
      return isSent;
    },
    onOrder(listener) {
      // The program may say process.channel.unref(): until it is welcome, by which its heartbeats begin, this worker has nothing else to stay for.
      const stay = systemClock.after(Infinity, () => undefined);
      const hear = (message: unknown, handle: unknown): void => {
        const order = parseToWorker(message, token);
        if (order !== undefined) {
          stay.cancel();
          trace('hears', process.pid, order);
          listener(order, isCopy(handle) ? handle : undefined);
        } else if (isForeignWelcome(message, token)) stranger();
        // A handle that came with an order we do not understand must not stay open; one of the user's is the user's.
        else if (isCopy(handle) && isOurs(message, token)) handle.close();
      };
      own = hear;
      listenForGood('message', hear);
      // Node's own, by which it takes handles: one that is not taken holds up every order after it.
      for (const taker of process.rawListeners('internalMessage')) listenForGood('internalMessage', taker as Listener);
      keepFromOthers(token, hear);
    },
    onStranger(listener) {
      stranger = listener;
    },
    onClosed(listener) {
      let isSaid = false;
      closed = () => {
        if (!isSaid) listener();
        isSaid = true;
      };
      // The master may have gone while this process was busy with something else: then the event has passed.
      if (process.connected) listenForGood('disconnect', closed);
      else process.nextTick(closed);
    },
    pass(message) {
      for (const listener of process.rawListeners('message')) if (listener !== own) Reflect.apply(listener, process, [message, undefined]);
    },
  };
}

type Listener = (...given: unknown[]) => void;

/**
 * Listens to an event of the process as long as that lives, though the program may say `process.removeAllListeners('message')` after
 * a handshake of its own with what has started it: without orders this worker would never accept again, and not end with its master.
 */
function listenForGood(event: 'message' | 'disconnect' | 'internalMessage', listener: Listener): void {
  const add = (): void => {
    if (!process.listeners(event as 'message').includes(listener)) process.on(event as 'message', listener);
    process.off('removeListener', onRemoved).on('removeListener', onRemoved);
  };
  // Later: removeAllListeners() without a name forgets at its end whatever was added meanwhile.
  const onRemoved = (_event: unknown, removed: unknown): void => { if (removed === listener) process.nextTick(add); };
  add();
}

type Emit = (...event: unknown[]) => boolean;

/**
 * Gives messages of ours to our listener alone. The program's own listeners for `message` would hear every order besides what
 * they are for, keys of TLS among them, and a chat passes on what it hears. Node calls `emit` of the process for each message.
 * Others put their own in its place, before us or after (signal-exit does): ours stays around whatever is there.
 */
function keepFromOthers(token: string, hear: (message: unknown, handle: unknown) => void): void {
  const guards = new WeakSet<Emit>();
  const guarded = (emit: Emit): Emit => {
    // What is put back may be one of ours.
    if (guards.has(emit)) return emit;
    const guard: Emit = (...event) => {
      const [name, message, handle] = event;
      if (name !== 'message' || !isOurs(message, token)) return Reflect.apply(emit, process, event);
      hear(message, handle);
      return true;
    };
    guards.add(guard);
    return guard;
  };
  let current = guarded((process as { emit: Emit }).emit);
  Object.defineProperty(process, 'emit', {
    configurable: true, enumerable: true,
    get: () => current,
    set: (emit: Emit) => { current = guarded(emit); },
  });
}

/** This process, with Node's own `send`: the user's code may see another. */
function endpoint(): ConstructorParameters<typeof ProcessChannel>[0] {
  const send = process.send?.bind(process) as ConstructorParameters<typeof ProcessChannel>[0]['send'];
  return { get connected() { return process.connected; }, pid: process.pid, send };
}

const isCopy = (handle: unknown): handle is HandleCopy => typeof handle === 'object' && handle !== null && 'close' in handle;
