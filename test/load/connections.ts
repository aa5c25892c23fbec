import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { within } from '../support/wait.js';

/** How many connections are on their way at a time: below the backlog of every server. */
const AT_ONCE = 200;

/** Opens connections that stay; each has sent the text and had its first bytes from the server when they are returned. */
export async function openMany(port: number, count: number, text = ''): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => openOne(port, text));
    sockets.push(...await within(Promise.all(some), () => `the first bytes of ${some.length} connections`, 20_000));
  }
  return sockets;
}

async function openOne(port: number, text: string): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  if (text !== '') socket.write(text);
  await once(socket, 'data');
  // Also when the server ends in the midst of it: whoever waits for an answer sees that.
  socket.on('error', () => { socket.destroy(); });
  return socket;
}

/** How a connection was answered that is closed at its first bytes. */
export interface FirstBytes {
  /** Milliseconds from the connect to them; Infinity if none came within {@link LONGEST_MS}. */
  readonly ms: number;
  /** The last number in them: the pid of the worker that answered. */
  readonly pid: number | undefined;
}

const LONGEST_MS = 10_000;

/** Connects, sends the text, and closes when the first bytes have come. */
export async function firstBytes(port: number, text = ''): Promise<FirstBytes> {
  const startedAt = performance.now();
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  let answer: FirstBytes = { ms: Infinity, pid: undefined };
  const over = new Promise<void>((resolve) => { socket.once('close', () => { resolve(); }); });
  socket.setTimeout(LONGEST_MS, () => { socket.destroy(); });
  socket.setEncoding('latin1');
  socket.on('error', () => { socket.destroy(); });
  socket.on('data', (bytes: string) => {
    const [pid] = /\d+(?=\s*$)/.exec(bytes) ?? [];
    answer = { ms: performance.now() - startedAt, pid: pid === undefined ? undefined : Number(pid) };
    socket.destroy();
  });
  if (text !== '') socket.write(text);
  await over;
  return answer;
}
