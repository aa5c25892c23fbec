// Load generator for line protocols on 127.0.0.1, a process of its own that a parent forks: for each Load that it gets as a
// message, it runs for `seconds`, or until `count` is reached, and sends BEGUN and what it measured. It stays, since a process
// that has just begun is too slow to load a server.
import { Buffer } from 'node:buffer';
import net from 'node:net';
import type { Socket } from 'node:net';

/** What clients do. */
export type Mode =
  /** They connect, send a line, read a line, reset, and connect again. */
  | 'conn'
  /** They stay and have one outstanding line each. What comes before all have had an answer does not count. */
  | 'echo'
  /** They stay; each sends 100 lines at a time and waits for 100 answers. What comes before all have had them does not count. */
  | 'pipe'
  /** They connect, `everyMs` apart or all at once, and stay; counts how many each answering pid has. */
  | 'spread'
  /** They connect, send a line, wait for the answer, and are done: the time until all are. */
  | 'hold';

export interface Load {
  readonly port: number;
  readonly mode: Mode;
  /** How many at a time, or in all with 'spread' and 'hold'. Default 64. */
  readonly clients?: number;
  /** Ends after so long at the latest. Default 2; 120 where it ends by itself: with `count`, 'spread' and 'hold'. */
  readonly seconds?: number;
  /** Ends after this many answers. Default: none. */
  readonly count?: number;
  /** Milliseconds between two clients of 'spread' and 'hold'. Default 0. */
  readonly everyMs?: number;
}

/** Sent when a load begins to count. */
export const BEGUN = 'begun';

export interface Measured {
  readonly done: number;
  /** Answers, or connections with 'conn', a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly failed: number;
  readonly refused: number;
  /** Answers of workers that had two clients at once. */
  readonly twice: number;
  /** With 'conn': milliseconds from the connect to the answer. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly max: number | undefined;
  /** With 'spread' and 'hold': how many answers came from each pid. */
  readonly answers: Readonly<Record<string, number>>;
}

const PIPELINED = 100;
const LINE = Buffer.from('ping\n');
const LINES = Buffer.from('forty bytes and a line feed make a line\n'.repeat(PIPELINED));
const LINE_FEED = 10;
/** The first byte of TWO: the worker had two clients at once. */
const TWO = 'T'.charCodeAt(0);
const SECONDS = 2;
const LONGEST_SECONDS = 120;

/** One load, from its first connection to its last. */
class Run {
  readonly #load: Required<Omit<Load, 'seconds'>>;
  readonly #seconds: number;
  readonly #on: { begun: () => void; ended: (measured: Measured) => void };
  readonly #sockets = new Set<Socket>();
  readonly #latencies: number[] = [];
  readonly #answers = new Map<string, number>();
  #started = performance.now();
  #timer: NodeJS.Timeout;
  /** Clients that have had an answer, of those that stay. */
  #answered = 0;
  #done = 0;
  #failed = 0;
  #refused = 0;
  #twice = 0;
  #hasEnded = false;

  constructor({ port, mode, clients = 64, seconds, count = Infinity, everyMs = 0 }: Load, on: { begun: () => void; ended: (measured: Measured) => void }) {
    this.#load = { port, mode, clients, count, everyMs };
    this.#on = on;
    const isLasting = mode === 'spread' || mode === 'hold';
    this.#seconds = seconds ?? (isLasting || count !== Infinity ? LONGEST_SECONDS : SECONDS);
    this.#timer = this.#timeOut();
    if (mode !== 'echo' && mode !== 'pipe') on.begun();
    if (isLasting && everyMs > 0) this.#keepOneByOne();
    else for (let index = 0; index < clients; index++) this.#begin();
  }

  #timeOut(): NodeJS.Timeout {
    return setTimeout(() => { this.#end(); }, this.#seconds * 1000);
  }

  /** All clients are there: only now what they do counts. */
  #count(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#timeOut();
    this.#started = performance.now();
    this.#done = 0;
    this.#on.begun();
  }

  #begin(): void {
    const { mode } = this.#load;
    if (mode === 'conn') this.#again();
    else if (mode === 'echo') this.#converse(LINE, 1);
    else if (mode === 'pipe') this.#converse(LINES, PIPELINED);
    else this.#keep();
  }

  /** Opens a connection whose reads all go into one buffer: the cheapest client that Node has. */
  #connect(onData: (buffer: Buffer, length: number) => void, onConnect: () => void): Socket {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    const onread: net.OnReadOpts = {
      buffer,
      callback(length) {
        onData(buffer, length);
        return true;
      },
    };
    const socket = net.connect({ port: this.#load.port, host: '127.0.0.1', noDelay: true, onread });
    this.#sockets.add(socket);
    socket.once('connect', onConnect);
    socket.once('close', () => { this.#sockets.delete(socket); });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#hasEnded) return;
      if (error.code === 'ECONNREFUSED') this.#refused += 1;
      else this.#failed += 1;
      socket.destroy();
      if (this.#load.mode === 'conn') this.#again();
    });
    return socket;
  }

  #again(): void {
    if (this.#hasEnded) return;
    if (this.#done >= this.#load.count) {
      this.#end();
      return;
    }
    const at = performance.now();
    const socket = this.#connect((buffer, length) => {
      if (buffer[length - 1] !== LINE_FEED) return;
      if (buffer[0] === TWO) this.#twice += 1;
      this.#latencies.push(performance.now() - at);
      this.#done += 1;
      socket.resetAndDestroy();
      this.#again();
    }, () => { socket.write(LINE); });
  }

  #converse(message: Buffer, perMessage: number): void {
    let open = 0;
    let isNew = true;
    const send = (): void => {
      open = perMessage;
      socket.write(message);
    };
    const socket = this.#connect((buffer, length) => {
      for (let at = buffer.indexOf(LINE_FEED); at !== -1 && at < length; at = buffer.indexOf(LINE_FEED, at + 1)) open -= 1;
      if (open > 0) return;
      this.#done += perMessage;
      if (isNew && ++this.#answered === this.#load.clients) this.#count();
      isNew = false;
      if (this.#done >= this.#load.count) this.#end();
      else send();
    }, send);
  }

  #keep(): void {
    const socket = this.#connect((buffer, length) => {
      const pid = buffer.toString('latin1', 0, length).trim();
      this.#answers.set(pid, (this.#answers.get(pid) ?? 0) + 1);
      this.#done += 1;
      if (this.#load.mode === 'hold') socket.end();
      if (this.#done === this.#load.clients) this.#end();
    }, () => { socket.write(LINE); });
  }

  #keepOneByOne(): void {
    const { clients, everyMs } = this.#load;
    let opened = 0;
    const timer = setInterval(() => {
      // Catches up when the timer is late, so that the pace holds.
      while (opened < clients && opened * everyMs <= performance.now() - this.#started) {
        opened += 1;
        this.#keep();
      }
      if (opened === clients || this.#hasEnded) clearInterval(timer);
    }, everyMs);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    const seconds = (performance.now() - this.#started) / 1000;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#latencies.sort((one, other) => one - other);
    const at = (part: number): number | undefined => this.#latencies[Math.floor((this.#latencies.length - 1) * part)];
    this.#on.ended({
      done: this.#done, rate: this.#done / seconds, seconds, failed: this.#failed, refused: this.#refused, twice: this.#twice,
      p50: at(0.5), p99: at(0.99), max: at(1), answers: Object.fromEntries(this.#answers),
    });
  }
}

process.on('message', (load: Load) => {
  new Run(load, { begun: () => { process.send?.(BEGUN); }, ended: (measured) => { process.send?.(measured); } });
});
process.once('disconnect', () => { process.exit(0); });
