import { systemClock } from '../clock.js';
import { asError } from '../errors.js';
import type { TestedServer } from '../test-kit.js';
import type { Asked, CallName, JsonLine, ToTest, Wish } from './line.js';

type Line = Pick<JsonLine<never, ToTest>, 'send'>;

/** Does what the test asks for in this process. */
export class Faults {
  readonly #kept: Buffer[] = [];
  #server: TestedServer | undefined;

  /** From now on the test can call methods of this server. */
  serve(server: TestedServer): void {
    this.#server = server;
  }

  perform({ ask, wish }: Asked, line: Line): void {
    if (wish.do === 'call') void this.#call(ask, wish, line);
    else if (wish.do === 'grow') {
      // Filled, so that it is resident; kept, so that it stays.
      this.#kept.push(Buffer.alloc(wish.bytes, 1));
      line.send({ type: 'answer', ask });
    } else line.send({ type: 'answer', ask }, () => { systemClock.soon(() => { fail(wish); }); });
  }

  async #call(ask: number, { method, argument }: { readonly method: CallName; readonly argument?: unknown }, line: Line): Promise<void> {
    try {
      if (this.#server === undefined) throw new Error('This process has no master of a pool.');
      line.send({ type: 'answer', ask, value: await call(this.#server, method, argument) });
    } catch (error) {
      line.send({ type: 'answer', ask, error: asError(error) });
    }
  }
}

function call(server: TestedServer, method: CallName, argument: unknown): unknown {
  switch (method) {
    case 'status': return server.status();
    case 'shutdown': return server.shutdown(argument as { grace?: number });
    case 'configure':
      server.configure(argument as object);
      return undefined;
    case 'reload': return server.reload();
    case 'pause':
      server.pause();
      return undefined;
    case 'resume':
      server.resume();
      return undefined;
  }
}

/** What also happens to workers in production. */
function fail(wish: Exclude<Wish, { readonly do: 'call' | 'grow' }>): void {
  switch (wish.do) {
    case 'block': {
      const end = systemClock.now() + wish.seconds * 1000;
      while (systemClock.now() < end);
      return;
    }
    case 'exit': return process.exit(wish.code);
    case 'throw': throw new Error(wish.message);
    case 'cut': process.disconnect();
  }
}
