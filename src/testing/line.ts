import type { Socket } from 'node:net';
import type { ListenAddress } from '../ipc/protocol.js';

/** What the URL of the hook, which the processes of a pool under test load first, tells them. */
export interface HookSetup {
  /** Where the test listens, on 127.0.0.1. */
  readonly port: number;
  /** Known only to this test and its processes. */
  readonly token: string;
  /** A folder for Unix sockets. */
  readonly folder: string;
  /** The server that is meant; undefined = the first that the program constructs. */
  readonly alias: string | undefined;
  /** Takes the place of the program's own options. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a process of the pool says to the test. */
export type ToTest =
  | { readonly type: 'hello'; readonly pid: number; readonly token: string }
  | { readonly type: 'constructed'; readonly alias: string; readonly isMeant: boolean }
  | { readonly type: 'up'; readonly address: ListenAddress }
  | { readonly type: 'event'; readonly name: string; readonly detail: unknown }
  | { readonly type: 'answer'; readonly ask: number; readonly value?: unknown; readonly error?: unknown };

/** What the test asks of a process of the pool. All are answered: faults of a worker just before they happen. */
export type Wish =
  | { readonly do: 'block'; readonly seconds: number }
  | { readonly do: 'exit'; readonly code: number }
  | { readonly do: 'throw'; readonly message: string }
  | { readonly do: 'cut' }
  | { readonly do: 'grow'; readonly bytes: number }
  | { readonly do: 'call'; readonly method: CallName; readonly argument?: unknown };

/** Methods of the server that a test can call. */
export type CallName = 'status' | 'shutdown' | 'configure' | 'reload' | 'pause' | 'resume';

/** A wish as it travels. */
export interface Asked {
  readonly ask: number;
  readonly wish: Wish;
}

/** A line of JSON for each message. Errors and Infinity, which JSON does not carry, come out as they went in. */
export class JsonLine<In, Out> {
  readonly #socket: Socket;

  constructor(socket: Socket, hear: (message: In) => void) {
    this.#socket = socket;
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) hear(decode(line) as In);
      } catch {
        // A stranger that has found the port.
        socket.destroy();
      }
    });
  }

  /** @param written - called once the operating system has it */
  send(message: Out, written?: () => void): void {
    this.#socket.write(`${encode(message)}\n`, () => written?.());
  }
}

/** To JSON, errors and infinite numbers included. */
export const encode = (value: unknown): string => JSON.stringify(value, replace);

/** From the same. */
export const decode = (text: string): unknown => JSON.parse(text, revive);

const ERROR = '\u0000error';
const NUMBER = '\u0000number';

function replace(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return { [ERROR]: { ...(value as object), name, message, stack, ...(cause !== undefined && { cause }) } };
  }
  return typeof value === 'number' && !Number.isFinite(value) ? { [NUMBER]: String(value) } : value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { [ERROR]: fields, [NUMBER]: text } = value as Record<string, unknown>;
  if (typeof text === 'string') return Number(text);
  return typeof fields === 'object' && fields !== null ? Object.assign(new Error(), fields) : value;
}
