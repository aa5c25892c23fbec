import { createConnection, type Socket } from 'node:net';
import type { ListenAddress } from '../ipc/protocol.js';
import { testingError } from './testing-error.js';
import { Waiters } from './waiters.js';

/** A client of the pool that talks in lines of text. */
export class TestClient implements Disposable {
  readonly #socket: Socket;
  readonly #waiters: Waiters;
  #text = '';
  #isOver = false;

  /** Connects. A worker may not have taken it yet: it may wait in the kernel's queue. */
  static async connect(address: ListenAddress, boundMs: number): Promise<TestClient> {
    const client = new TestClient(createConnection(targetOf(address)), boundMs);
    await client.#connected();
    return client;
  }

  private constructor(socket: Socket, boundMs: number) {
    this.#socket = socket;
    this.#waiters = new Waiters(boundMs);
    socket.setNoDelay(true).setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#text += text;
      this.#waiters.notify();
    });
    socket.on('error', (error) => { this.#over(error); });
    socket.on('close', () => { this.#over(); });
  }

  #error: Error | undefined;

  #over(error?: Error): void {
    this.#error ??= error;
    this.#isOver = true;
    this.#waiters.notify();
  }

  async #connected(): Promise<void> {
    this.#socket.once('connect', () => { this.#waiters.notify(); });
    await this.#waiters.until(() => {
      if (this.#error !== undefined) throw testingError(`A client cannot connect: ${this.#error.message}.`, this.#error);
      return this.#socket.connecting ? undefined : true;
    }, () => 'a connection to the pool');
  }

  /** Sends text as it is; a line needs its `\n`. */
  send(text: string): void {
    this.#socket.write(text);
  }

  /**
   * Waits for the next line, and returns it without its end (`\n` or `\r\n`).
   *
   * @throws PreforkError ERR_PREFORK_TESTING if the connection ends first, or no line comes in time
   */
  async line(): Promise<string> {
    return this.#waiters.until(() => {
      const at = this.#text.indexOf('\n');
      if (at === -1) {
        if (this.#isOver) throw testingError(`The connection has ended${this.#error === undefined ? '' : ` (${this.#error.message})`}; instead of a line there is ${JSON.stringify(this.#text)}. If a callback failed, pool.event('worker:error') has why.`);
        return undefined;
      }
      const line = this.#text.slice(0, at).replace(/\r$/, '');
      this.#text = this.#text.slice(at + 1);
      return line;
    }, () => `a line; so far there is ${JSON.stringify(this.#text)}`);
  }

  /** Waits until the server has closed the connection, and returns what had not been read. */
  async closed(): Promise<string> {
    return this.#waiters.until(() => (this.#isOver ? this.#text : undefined), () => 'the end of the connection');
  }

  /** Closes the connection. */
  close(): void {
    this.#socket.destroy();
  }

  /** The same as `close()`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function targetOf(address: ListenAddress): { path: string } | { port: number; host: string } {
  if (typeof address === 'string') return { path: address };
  const { address: host, port } = address;
  return { port, host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host };
}
