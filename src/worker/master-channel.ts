import { systemClock } from '../clock.js';
import { PreforkError } from '../errors.js';
import { stalledText } from '../ipc/backlog.js';
import { ProcessChannel, trace } from '../ipc/channel.js';
import { isForeignWelcome, isOurs, parseToWorker } from '../ipc/protocol.js';
import type { ToMaster, ToWorker } from '../ipc/protocol.js';
import { toReport } from './error-report.js';
import type { HandleCopy } from './listener.js';

/** A worker's channel to its master. Tests use one in memory. */
export interface MasterChannel {
  /** @returns false if the master has gone, or does not read */
  send(fact: ToMaster): boolean;
  /** Calls back for every order; a copy of the listening handle comes with 'copy'. */
  onOrder(listener: (order: ToWorker, copy: HandleCopy | undefined) => void): void;
  /** Calls back when a master of another server sends its welcome: this process was not started by its own master. */
  onStranger(listener: () => void): void;
  /** Calls back once when the master has gone, even if it already had. */
  onClosed(listener: () => void): void;
  /** Passes a message of the user's own to the user's listeners on `process`. */
  pass(message: unknown): void;
}

/** The IPC channel of this process. It leaves the user's own messages alone. */
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
      // Checked as well as listened for: the program may keep the event from us, and a worker without a master would never end.
      if (!process.connected) process.nextTick(closed);
      return isSent;
    },
    onOrder(listener) {
      // The program may call process.channel.unref(): until it is welcomed and its heartbeats begin, nothing else keeps this worker alive.
      const stay = systemClock.after(Infinity, () => undefined);
      const hear = (message: unknown, handle: unknown): void => {
        const order = parseToWorker(message, token);
        if (order !== undefined) {
          stay.cancel();
          trace('hears', process.pid, order);
          listener(order, isCopy(handle) ? handle : undefined);
        } else if (isForeignWelcome(message, token)) stranger();
        // A handle that came with an unknown order must not stay open; the user's own are left alone.
        else if (isCopy(handle) && isOurs(message, token)) handle.close();
      };
      own = hear;
      listenForGood('message', hear);
      // Node's own listeners, by which it receives handles: one that is not received holds up every order after it.
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
      // The master may have gone while this process was busy: then the event has already passed.
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
 * Listens to an event of the process for as long as it lives, even if the program calls `process.removeAllListeners('message')`
 * after a handshake of its own with its parent: without orders this worker would never accept again, nor end with its master.
 */
function listenForGood(event: 'message' | 'disconnect' | 'internalMessage', listener: Listener): void {
  const add = (): void => {
    if (!process.listeners(event as 'message').includes(listener)) process.on(event as 'message', listener);
    process.off('removeListener', onRemoved).on('removeListener', onRemoved);
  };
  // Later, because removeAllListeners() without a name finally forgets even what was added meanwhile.
  const onRemoved = (_event: unknown, removed: unknown): void => { if (removed === listener) process.nextTick(add); };
  add();
}

type Emit = (...event: unknown[]) => boolean;

/**
 * Passes our messages to our listener alone. Otherwise the program's own listeners for `message` would get every order, keys
 * of TLS among them, and a chat passes on what it gets. Node calls the process's `emit` for each message. Other libraries
 * replace it, before or after us (signal-exit does): ours stays wrapped around whatever is there.
 */
function keepFromOthers(token: string, hear: (message: unknown, handle: unknown) => void): void {
  const guards = new WeakSet<Emit>();
  const guarded = (emit: Emit): Emit => {
    // The function put back may already be one of ours.
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

/** This process, with Node's own `send`: the user's code may see a different one. */
function endpoint(): ConstructorParameters<typeof ProcessChannel>[0] {
  const send = process.send?.bind(process) as ConstructorParameters<typeof ProcessChannel>[0]['send'];
  return { get connected() { return process.connected; }, pid: process.pid, send };
}

const isCopy = (handle: unknown): handle is HandleCopy => typeof handle === 'object' && handle !== null && 'close' in handle;
