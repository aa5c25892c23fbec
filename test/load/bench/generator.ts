// Load generator for line protocols on 127.0.0.1, a process of its own: `tsx generator.ts '{"port":…,"mode":…}'`.
// It runs for `seconds`, or until `count` is reached, and prints what it measured as one JSON object.
import { Buffer } from 'node:buffer';
import net from 'node:net';
import type { Socket } from 'node:net';

/** What clients do. */
export type Mode =
  /** They connect, send a line, read a line, reset, and connect again. */
  | 'conn'
  /** They stay and have one outstanding line each. */
  | 'echo'
  /** They stay; each sends 100 lines at a time and waits for 100 answers. */
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
  /** Default 2. */
  readonly seconds?: number;
  /** Ends after this many answers. Default: after `seconds`. */
  readonly count?: number;
  /** Milliseconds between two clients of 'spread' and 'hold'. Default 0. */
  readonly everyMs?: number;
}

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
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
  /** With 'spread' and 'hold': how many answers came from each pid. */
  readonly answers: Readonly<Record<string, number>>;
}

const given = JSON.parse(process.argv[2] ?? '{}') as Load;
const { port, mode, clients = 64, seconds = 2, count = Infinity, everyMs = 0 } = given;
const PIPELINED = 100;
const LINE = Buffer.from('ping\n');
const LINES = Buffer.from('forty bytes and a line feed make a line\n'.repeat(PIPELINED));
const LINE_FEED = 10;
/** The first byte of TWO: the worker had two clients at once. */
const TWO = 'T'.charCodeAt(0);

let done = 0;
let failed = 0;
let refused = 0;
let twice = 0;
let stopped = false;
const latencies: number[] = [];
const answers = new Map<string, number>();
const started = performance.now();

/** Opens a connection whose reads all go into one buffer: the cheapest client that Node has. */
function connect(onData: (buffer: Buffer, length: number) => void, onConnect: () => void): Socket {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const onread: net.OnReadOpts = {
    buffer,
    callback(length) {
      onData(buffer, length);
      return true;
    },
  };
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, onread });
  socket.once('connect', onConnect);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (stopped) return;
    if (error.code === 'ECONNREFUSED') refused += 1;
    else failed += 1;
    socket.destroy();
    if (mode === 'conn') again();
  });
  return socket;
}

function again(): void {
  if (stopped) return;
  if (done >= count) {
    finish();
    return;
  }
  const at = performance.now();
  const socket = connect((buffer, length) => {
    if (buffer[length - 1] !== LINE_FEED) return;
    if (buffer[0] === TWO) twice += 1;
    latencies.push(performance.now() - at);
    done += 1;
    socket.resetAndDestroy();
    again();
  }, () => { socket.write(LINE); });
}

function converse(message: Buffer, perMessage: number): void {
  let open = 0;
  const send = (): void => {
    open = perMessage;
    socket.write(message);
  };
  const socket = connect((buffer, length) => {
    for (let at = buffer.indexOf(LINE_FEED); at !== -1 && at < length; at = buffer.indexOf(LINE_FEED, at + 1)) open -= 1;
    if (open > 0) return;
    done += perMessage;
    if (done >= count) finish();
    else send();
  }, send);
}

function keep(): void {
  const socket = connect((buffer, length) => {
    const pid = buffer.toString('latin1', 0, length).trim();
    answers.set(pid, (answers.get(pid) ?? 0) + 1);
    done += 1;
    if (mode === 'hold') socket.end();
    if (done === clients) finish();
  }, () => { socket.write(LINE); });
}

function keepOneByOne(): void {
  let opened = 0;
  const timer = setInterval(() => {
    // Catches up when the timer is late, so that the pace holds.
    while (opened < clients && opened * everyMs <= performance.now() - started) {
      opened += 1;
      keep();
    }
    if (opened === clients) clearInterval(timer);
  }, everyMs);
}

function finish(): void {
  if (stopped) return;
  stopped = true;
  const elapsed = (performance.now() - started) / 1000;
  latencies.sort((one, other) => one - other);
  const at = (part: number): number | undefined => latencies[Math.floor((latencies.length - 1) * part)];
  const measured = {
    mode, clients, done, rate: done / elapsed, seconds: elapsed, failed, refused, twice,
    p50: at(0.5), p99: at(0.99), max: at(1), answers: Object.fromEntries(answers),
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit(0));
}

const START: Readonly<Record<Mode, () => void>> = {
  conn: again,
  echo() { converse(LINE, 1); },
  pipe() { converse(LINES, PIPELINED); },
  spread: keep,
  hold: keep,
};

const isLasting = mode === 'spread' || mode === 'hold';
if (isLasting && everyMs > 0) keepOneByOne();
else for (let index = 0; index < clients; index++) START[mode]();
setTimeout(finish, (isLasting || count !== Infinity ? 60 : seconds) * 1000);
