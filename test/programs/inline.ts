import type * as exported from 'prefork-tcp-server';
import type { AnyFilter, LineFilter, PreforkTcpServerOptions } from 'prefork-tcp-server';
import type { TcpClient } from '../support/tcp-client.js';
import { Waiters } from '../support/wait.js';
import { ONE, withServer } from '../support/with-server.js';
import type { Running, ServerSetup } from '../support/with-server.js';

declare global {
  /** In a handler of a test: says something to the test, in order. */
  function tell(name: string, detail?: unknown): void;
  /** In a handler of a test: resolves when the test calls `release` with this name, which has to be later. */
  function released(name: string): Promise<void>;
  /** In a handler of a test: what the package exports. */
  const library: typeof exported;
}

/** What a handler said with `tell`. */
export interface Told {
  readonly pid: number;
  readonly name: string;
  readonly detail: unknown;
}

/** A server with the handlers of a test, and what they said. */
export class Scene {
  readonly running: Running;
  readonly all: Told[] = [];
  readonly #waiters = new Waiters();

  constructor(running: Running) {
    this.running = running;
    running.server.on('worker:message', ({ pid, message }) => {
      const { tell: name, detail } = message as { tell: string; detail: unknown };
      this.all.push({ pid, name, detail });
      this.#waiters.notify();
    });
    running.server.on('worker:error', () => { this.#waiters.notify(); });
  }

  /** The names of what was said so far, in order. */
  get names(): string[] {
    return this.all.map(({ name }) => name);
  }

  async connect(): Promise<TcpClient> {
    return this.running.connect();
  }

  /** Waits until a name was said this many times; returns the detail of the last one. */
  async told(name: string, times = 1): Promise<unknown> {
    return this.#waiters.until(
      () => {
        const one = this.all.filter((told) => told.name === name)[times - 1];
        return one === undefined ? undefined : { detail: one.detail };
      },
      () => `${name}, ${times} times; told so far: ${this.names.join(', ')}`,
    ).then(({ detail }) => detail);
  }

  /** Lets a handler go on that waits with `released`. */
  release(name: string): void {
    this.running.server.broadcast({ release: name });
  }

  /** Waits until the master has heard of a fault in a worker's callback. */
  async fault(where: string): Promise<Error> {
    return (await this.running.event('worker:error', (event) => event.where === where)).detail.error;
  }

  /** Drains the server; returns the names of all that was said until its last worker had ended. */
  async end(grace?: number): Promise<string[]> {
    await this.running.server.shutdown({ grace });
    return this.names;
  }
}

/**
 * Starts a server of one worker with the given options, as a user's program would. The worker gets its functions as source
 * text: they may use their arguments, `tell`, `released`, `library` and the globals of Node, and nothing else of the test.
 */
export async function withHandlers<Own extends object = object, F extends AnyFilter = LineFilter>(
  options: Partial<PreforkTcpServerOptions<Own, F>>, body: (scene: Scene) => Promise<void>,
): Promise<void> {
  // The master never calls a client's handlers, so their types do not matter there.
  const forMaster = options as unknown as ServerSetup;
  const forWorkers: unknown = JSON.parse(JSON.stringify({ ...(options.Acceptor === undefined && { ClientInput: echo }), ...options }, (_name, value: unknown) => (
    typeof value === 'function' ? { source: String(value) } : value)));
  const setup: ServerSetup = { ...ONE, ...forMaster, program: 'inline.mjs', worker: forWorkers as Record<string, unknown> };
  if (options.Acceptor !== undefined) setup.ClientInput = undefined;
  await withServer(setup, async (running) => body(new Scene(running)));
}

const echo: PreforkTcpServerOptions['ClientInput'] = ({ heap, input }) => { heap.client.put(input); };
