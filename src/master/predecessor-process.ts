import { closeSync, fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { systemClock } from '../clock.js';
import { CHANNEL_FD, parseMark, readMessages, UPGRADE_MARK, type ToSuccessor } from '../ipc/upgrade-protocol.js';
import { Predecessor } from './predecessor.js';

// Kept where a second copy of this package also finds it: servers of both may inherit.
const HOLDER = Symbol.for('prefork-tcp-server.predecessor');

/** The master that started this process to be its successor; undefined if none did. */
export function predecessor(): Predecessor | undefined {
  const holder = globalThis as unknown as Record<symbol, Predecessor | null | undefined>;
  holder[HOLDER] ??= findPredecessor() ?? null;
  return holder[HOLDER] ?? undefined;
}

function findPredecessor(): Predecessor | undefined {
  const text = process.env[UPGRADE_MARK];
  // Processes that this one starts are ordinary ones.
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the only way to unset a variable
  delete process.env[UPGRADE_MARK];
  const mark = text === undefined ? undefined : parseMark(text);
  // A program that the successor starts before it loads this package inherits the variable, but not the descriptors.
  if (mark === undefined || !isSocket(CHANNEL_FD)) return undefined;
  const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  channel.unref();
  const found = new Predecessor({
    clock: systemClock, mark,
    send: (message) => { if (channel.writable) write(channel, Buffer.from(`${JSON.stringify(message)}\n`)); },
    disconnect: () => {
      endRecord();
      channel.end();
    },
    close: (fd) => { closeSync(fd); },
    exit: (code) => process.exit(code),
  });
  channel.setEncoding('utf8').on('data', readMessages((message) => { found.heard(message as ToSuccessor); }));
  channel.on('error', ignore).once('close', () => { found.gone(); });
  return found;
}

/** A write that fails would destroy the stream before it has read the last message of a predecessor that has ended: whether the service is ours. */
function write(channel: Socket, bytes: Buffer): void {
  let written = 0;
  try {
    if (channel.writableLength === 0) written = writeSync(CHANNEL_FD, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
  }
  if (written < bytes.length) channel.write(bytes.subarray(written));
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    // EBADF: there is none.
    return false;
  }
}

/** From now on what this process writes to stderr is not reported any more; see last-words.ts. */
function endRecord(): void {
  const end = (globalThis as unknown as Record<symbol, (() => void) | undefined>)[Symbol.for('prefork-tcp-server.last-words')];
  end?.();
}

function ignore(): void {
  // It has gone; 'close' follows.
}

// Taken when the package is loaded, before the script starts any process of its own, which would inherit it.
if (process.env[UPGRADE_MARK] !== undefined) predecessor();
