import { PreforkError } from '../errors.js';
import type { EventQueue, Receiver } from '../session/event-queue.js';
import type { WorkerRuntime } from './runtime.js';

/** The effects of events that handlers post to `heap.alias` and `heap.master_alias`. */
type Events = Readonly<Record<string, (argument: unknown) => void>>;

/** Gives the server and its manager a place in the queue, under their aliases. */
export function addServerAliases(queue: EventQueue, runtime: WorkerRuntime, names: { readonly alias: string; readonly masterAlias: string }): void {
  const shutdown = (): void => { runtime.shutdown(); };
  add(names.alias, {
    shutdown,
    set_concurrency: (clients) => {
      if (!Number.isSafeInteger(clients) || (clients as number) < -1) throw stateError(`set_concurrency takes a whole number of at least -1 (unlimited), not ${String(clients)}.`);
      runtime.setConcurrency(clients as number);
    },
    // This server notices by itself when a connection is closed; one that was sent to another process it notices only at its next heartbeat.
    disconnected: (socket) => { runtime.giveBack(socket); },
  });
  add(names.masterAlias, {
    shutdown,
    shutdown_all: () => { runtime.shutdownAll(); },
    pause: () => { runtime.pause(true); },
    resume: () => { runtime.pause(false); },
  });

  function add(name: string, events: Events): void {
    const target: Receiver = {
      reference: Object.freeze({ ID: queue.nextId() }),
      crashed: (error) => { runtime.failed(error as Error, `event for ${name}`); },
      handle: (event, args) => { target.call(event, args, target.reference); },
      call: (event, args) => {
        const handler = Object.hasOwn(events, event) ? events[event] : undefined;
        try {
          if (handler === undefined) throw stateError(`There is no event '${event}'; there are ${Object.keys(events).join(', ')}.`);
          handler(args[0]);
        } catch (error) {
          runtime.failed(error as Error, `event for ${name}`);
        }
        return undefined;
      },
    };
    queue.add(target);
    queue.add(target, name);
  }
}

const stateError = (message: string): PreforkError => new PreforkError('ERR_PREFORK_STATE', message);
