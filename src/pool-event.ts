import type { ListenAddress } from './ipc/protocol.js';
import type { HungFrame, ServerEvents } from './server-events.js';

/** One event of the pool with its name, for the parts of the library that follow all of them: the log, the admin page, diagnostics. */
export type PoolEvent = {
  [Name in keyof ServerEvents]: {
    /** The event's name. */
    readonly name: Name;
    /** What a listener of the event gets. */
    readonly detail: ServerEvents[Name][0];
  };
}[keyof ServerEvents];

/** Follows every event of the pool, besides the user's own listeners. It must not throw. */
export type PoolObserver = (event: PoolEvent) => void;

/** How much an event matters to an operator; the method of a Logger that takes it. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** An event in words. */
export interface Words {
  readonly level: Level;
  readonly text: string;
}

/** Puts an event into words; undefined for those that are not news: a changed status, messages of the user's own. */
export function inWords(event: PoolEvent): Words | undefined {
  switch (event.name) {
    case 'listening': return { level: 'info', text: `Listening on ${showAddress(event.detail)}.` };
    case 'worker:born': return { level: 'debug', text: `Worker ${event.detail.pid} was forked.` };
    case 'worker:ready': return { level: 'info', text: `Worker ${event.detail.pid} is ready after ${event.detail.after.toFixed(1)} s.` };
    case 'worker:drain': {
      const { pid, reason, connections } = event.detail;
      return { level: 'info', text: `Worker ${pid} drains (${reason}) with ${countClients(connections)}.` };
    }
    case 'worker:exit': {
      const { pid, text, reason, connections } = event.detail;
      const lost = connections > 0 ? ` It had ${countClients(connections)}.` : '';
      return { level: FAULTY_EXIT.test(reason) ? 'warn' : 'info', text: `Worker ${pid} has gone: ${text}.${lost}` };
    }
    case 'worker:error': {
      const { pid, where, error } = event.detail;
      return { level: 'error', text: `Worker ${pid}, ${where}: ${error.message}` };
    }
    case 'worker:hung': {
      const { pid, blockedFor, stack } = event.detail;
      return { level: 'warn', text: `Worker ${pid} has been blocked for ${blockedFor.toFixed(1)} s${stack[0] === undefined ? '' : ` in ${showFrame(stack[0])}`}.` };
    }
    case 'reload:start': return { level: 'info', text: `Release ${event.detail.release} is tried: ${event.detail.script}.` };
    case 'reload:canary': return { level: 'debug', text: `Worker ${event.detail.pid} is the first of release ${event.detail.release}.` };
    case 'reload:done': {
      const { release, replaced, draining, needsUpgrade } = event.detail;
      const rest = needsUpgrade.length === 0 ? '' : ` Only a new master would change ${needsUpgrade.join(', ')}.`;
      return { level: 'info', text: `Release ${release} serves: ${replaced} workers were replaced, ${draining} of them still drain.${rest}` };
    }
    case 'reload:failed': return { level: 'error', text: `Release ${event.detail.release} was not accepted: ${event.detail.error.message}` };
    case 'upgrade:done': return { level: 'info', text: `Process ${event.detail.pid} has taken over; the clients of this one finish.` };
    case 'upgrade:failed': return { level: 'error', text: event.detail.error.message };
    case 'error': return { level: 'error', text: event.detail.message };
    case 'message':
    case 'worker:message':
    case 'status': return undefined;
  }
}

const FAULTY_EXIT = /^(crashed|boot|expired|memory|killed)/;

const countClients = (count: number): string => (count === 1 ? '1 client' : `${count} clients`);

const showAddress = (address: ListenAddress): string => (
  typeof address === 'string' ? address : `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
);

const showFrame = ({ functionName, url, line }: HungFrame): string => `${functionName === '' ? 'a function' : functionName} (${url}:${line})`;
