import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { systemClock } from '../clock.js';
import { JsonLine, type Asked, type ToTest, type Wish } from './line.js';
import { testingError } from './testing-error.js';
import type { Waiters } from './waiters.js';

/** After the input that is ready now: what a process wrote to its standard streams earlier is read first. */
const inOrder = (task: () => void): void => { systemClock.soon(task); };

/** The line to one process of the pool. It closes with the process. */
class Door {
  readonly #socket: Socket;
  readonly #line: JsonLine<ToTest, Asked>;
  readonly #answers = new Map<number, (answer: ToTest & { type: 'answer' }) => void>();
  #asked = 0;
  pid = 0;
  isClosed = false;

  constructor(socket: Socket, heard: (door: Door, message: ToTest) => void, closed: () => void) {
    this.#socket = socket;
    // A pool that a test forgets does not keep its process alive.
    socket.unref();
    this.#line = new JsonLine(socket, (message) => {
      inOrder(() => {
        if (message.type === 'answer') this.#answers.get(message.ask)?.(message);
        else heard(this, message);
      });
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      inOrder(() => {
        this.isClosed = true;
        closed();
      });
    });
  }

  ask(wish: Wish, answered: (answer: ToTest & { type: 'answer' }) => void): void {
    const ask = ++this.#asked;
    this.#answers.set(ask, answered);
    this.#line.send({ ask, wish });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Where the processes of a pool under test report, and are asked for faults. */
export class Doors {
  readonly #token: string;
  readonly #waiters: Waiters;
  readonly #heard: (pid: number, message: ToTest) => void;
  readonly #doors = new Set<Door>();
  readonly #server: Server;

  /** @param heard - gets what the processes say about themselves */
  constructor(token: string, waiters: Waiters, heard: (pid: number, message: ToTest) => void) {
    this.#token = token;
    this.#waiters = waiters;
    this.#heard = heard;
    this.#server = createServer((socket) => {
      const door: Door = new Door(socket, (from, message) => { this.#hear(from, message); }, () => { waiters.notify(); });
      this.#doors.add(door);
    });
    this.#server.unref();
  }

  /** @returns the port, on 127.0.0.1 */
  async open(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether a process has reported. */
  has(pid: number): boolean {
    return this.#find(pid) !== undefined;
  }

  /** The processes that have reported and run. */
  get running(): readonly number[] {
    return [...this.#doors].filter(({ pid, isClosed }) => pid !== 0 && !isClosed).map(({ pid }) => pid);
  }

  /** Whether a process that has reported is gone. */
  isGone(pid: number): boolean {
    return this.#find(pid)?.isClosed === true;
  }

  /**
   * Asks a process for something, and resolves with its answer.
   *
   * @param what - the same in words
   */
  async ask(pid: number, wish: Wish, what: string, boundMs?: number): Promise<unknown> {
    const door = await this.#waiters.until(() => this.#find(pid), () => `process ${pid} of the pool to report, for ${what}`);
    let answer: (ToTest & { type: 'answer' }) | undefined;
    door.ask(wish, (heard) => {
      answer = heard;
      this.#waiters.notify();
    });
    const { value, error } = await this.#waiters.until(() => {
      if (answer === undefined && door.isClosed) throw testingError(`Process ${pid} has gone before ${what}.`);
      return answer;
    }, () => `process ${pid} to answer for ${what}; it is blocked or stopped`, boundMs);
    if (error !== undefined) throw error as Error;
    return value;
  }

  close(): void {
    this.#server.close();
    for (const door of this.#doors) door.close();
  }

  // The newest: pids are reused.
  #find(pid: number): Door | undefined {
    return [...this.#doors].findLast((door) => door.pid === pid);
  }

  #hear(door: Door, message: ToTest): void {
    if (message.type === 'hello') {
      if (message.token !== this.#token) return door.close();
      door.pid = message.pid;
    } else if (door.pid !== 0) this.#heard(door.pid, message);
    this.#waiters.notify();
  }
}
