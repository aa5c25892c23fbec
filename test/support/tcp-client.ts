import { Buffer } from 'node:buffer';
import { createConnection } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { Waiters, poll, within } from './wait.js';

/** Where to connect: a port of 127.0.0.1, an address, or the path of a Unix socket. */
export type Target = number | string | Omit<TcpNetConnectOpts, 'allowHalfOpen'>;

/**
 * A client whose every wait is bounded and says what it received so far. Texts stand for bytes: one character, one byte.
 * It keeps its side open until `close()` or `halfClose()`.
 */
export class TcpClient {
  readonly socket: Socket;
  readonly #waiters = new Waiters();
  #unread: Buffer[] = [];
  #length = 0;
  #ended = false;
  #error: NodeJS.ErrnoException | undefined;
  #greetedBy: number | undefined;

  /** Connects. That it is connected does not mean that a worker has taken it: it may be in the kernel's queue. */
  static async connect(target: Target): Promise<TcpClient> {
    const options = typeof target === 'number' ? { port: target, host: '127.0.0.1' }
      : typeof target === 'string' ? { path: target } : target;
    const socket = createConnection({ ...options, allowHalfOpen: true, noDelay: true });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    try {
      await within(connected, () => `a connection to ${JSON.stringify(target)}`);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new TcpClient(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#unread.push(bytes);
      this.#length += bytes.length;
      this.#waiters.notify();
    });
    socket.on('end', () => { this.#ended = true; this.#waiters.notify(); });
    socket.on('error', (error) => { this.#error = error; this.#waiters.notify(); });
    socket.on('close', () => { this.#waiters.notify(); });
  }

  /** The worker that greeted it; see {@link greeting}. */
  get pid(): number {
    if (this.#greetedBy === undefined) throw new Error('This client was not greeted yet.');
    return this.#greetedBy;
  }

  /** What was received and not read yet. */
  get unread(): Buffer {
    if (this.#unread.length > 1) this.#unread = [Buffer.concat(this.#unread)];
    return this.#unread[0] ?? Buffer.alloc(0);
  }

  send(bytes: string | Buffer): void {
    this.socket.write(toBytes(bytes));
  }

  /** Sends and waits until the kernel has all of it. */
  async sendAll(bytes: string | Buffer): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      this.socket.write(toBytes(bytes), (error) => { if (error) reject(error); else resolve(); });
    });
    await within(sent, () => 'the kernel to take everything');
  }

  /** Waits for exactly these bytes, next. */
  async expect(bytes: string | Buffer): Promise<void> {
    const wanted = toBytes(bytes);
    await this.#until(() => {
      // Long ones are compared once, not with every read.
      if (wanted.length > 65_536 && this.#length < wanted.length) return undefined;
      const { unread } = this;
      const common = Math.min(unread.length, wanted.length);
      if (!unread.subarray(0, common).equals(wanted.subarray(0, common))) {
        throw new Error(`Expected ${show(wanted)} but received ${this.#received()}`);
      }
      return unread.length < wanted.length ? undefined : this.#take(wanted.length);
    }, () => show(wanted));
  }

  /** Waits until what comes next matches; the pattern is to begin with ^. Returns the match and its groups. */
  async expectMatch(pattern: RegExp): Promise<readonly string[]> {
    return this.#until(() => {
      const match = pattern.exec(this.unread.toString('latin1'));
      if (match === null) return undefined;
      this.#take(match.index + match[0].length);
      return [...match];
    }, () => String(pattern));
  }

  /** Waits for a line and returns it without its end. */
  async readLine(end = '\r\n'): Promise<string> {
    return this.#until(() => {
      const at = this.unread.indexOf(end, 0, 'latin1');
      if (at === -1) return undefined;
      return this.#take(at + end.length).toString('latin1', 0, at);
    }, () => `a line ended by ${JSON.stringify(end)}`);
  }

  /** Waits for this many bytes and returns them. */
  async read(count: number): Promise<Buffer> {
    return this.#until(() => (this.#length < count ? undefined : this.#take(count)), () => `${count} bytes`);
  }

  /** Waits for the greeting of the handler set STD, `W<pid>`; its pid is {@link pid} from then on. */
  async greeting(end = '\r\n'): Promise<number> {
    const line = await this.readLine(end);
    if (!/^W\d+$/.test(line)) throw new Error(`Expected the greeting W<pid> but received ${JSON.stringify(line)}`);
    this.#greetedBy = Number(line.slice(1));
    return this.#greetedBy;
  }

  /** Sends a line and waits for STD's answer to it. */
  async echo(line: string): Promise<void> {
    this.send(`${line}\n`);
    await this.expect(`${this.pid} : ${line}\r\n`);
  }

  /** Takes leave of STD: waits for its farewell and for the end, then closes this side too. */
  async quit(): Promise<void> {
    this.send('quit\n');
    await this.expect('bye\r\n');
    await this.expectEof();
    this.close();
  }

  /** Waits until anything has come; false if the connection ended instead. */
  async hasInput(): Promise<boolean> {
    return this.#waiters.until(
      () => (this.#length > 0 ? true : this.#isOver() ? false : undefined),
      () => 'any input',
    );
  }

  /** Waits until the server has closed its side, with nothing more before that. */
  async expectEof(): Promise<void> {
    await this.#until(() => {
      if (this.unread.length > 0) throw new Error(`Expected the end but received ${this.#received()}`);
      return this.#ended ? true : undefined;
    }, () => 'the end');
  }

  /** Waits until the connection is over, in whatever way; a killed process may reset it. */
  async expectOver(): Promise<void> {
    await this.#waiters.until(() => {
      if (this.unread.length > 0) throw new Error(`Expected the end but received ${this.#received()}`);
      return this.#isOver() ? true : undefined;
    }, () => `the end or a reset; received ${this.#received()}`);
  }

  /** Fails if anything was received. Says something only after a fence: a later fact that was waited for. */
  expectNothing(): void {
    if (this.unread.length > 0 || this.#isOver()) throw new Error(`Expected nothing but received ${this.#received()}`);
  }

  /** Stops reading; what the server sends fills the buffers of both sides. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends FIN and goes on reading. */
  halfClose(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Closes both sides. */
  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #until<T>(ask: () => T | undefined, wanted: () => string): Promise<T> {
    return this.#waiters.until(() => {
      const answer = ask();
      if (answer === undefined && this.#isOver()) throw new Error(`Expected ${wanted()} but received ${this.#received()}`);
      return answer;
    }, () => `${wanted()}; received ${this.#received()}`);
  }

  #isOver(): boolean {
    return this.#ended || this.#error !== undefined || this.socket.destroyed;
  }

  #take(count: number): Buffer {
    const { unread } = this;
    this.#unread = unread.length > count ? [unread.subarray(count)] : [];
    this.#length -= count;
    return unread.subarray(0, count);
  }

  #received(): string {
    const end = this.#error !== undefined ? ` and the error ${this.#error.code ?? this.#error.message}`
      : this.#ended ? ' and the end' : this.socket.destroyed ? ' and was closed' : '';
    return `${show(this.unread)}${end}`;
  }
}

const toBytes = (bytes: string | Buffer): Buffer => (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);

function show(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString('latin1', 0, 200));
  return bytes.length > 200 ? `${text}... (${bytes.length} bytes)` : text;
}

/** Waits until at least this many of the clients have been answered or ended; returns those that have input. */
export async function answered(clients: readonly TcpClient[], count: number): Promise<TcpClient[]> {
  const withInput = (): TcpClient[] => clients.filter(({ unread }) => unread.length > 0);
  const waiters = new Waiters();
  const notify = (): void => { waiters.notify(); };
  for (const { socket } of clients) socket.on('data', notify);
  try {
    return await waiters.until(() => {
      const some = withInput();
      return some.length >= count ? some : undefined;
    }, () => `input for ${count} of ${clients.length} clients; it came for ${withInput().length}`);
  } finally {
    for (const { socket } of clients) socket.off('data', notify);
  }
}

/** Waits until a port refuses connections. A client that got in before that is given up. */
export async function waitRefused(port: number, boundMs?: number): Promise<void> {
  await poll(async () => {
    try {
      const client = await TcpClient.connect(port);
      client.close();
      return false;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Reset: it was in the queue when the socket was closed.
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return code === 'ECONNREFUSED';
      throw error;
    }
  }, () => `port ${port} to refuse connections`, boundMs);
}
