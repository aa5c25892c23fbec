import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { deliver, markDirect, readInto, resetOf } from '../../src/session/direct-socket.js';
import { reader } from './owners.js';
import { turn } from '../support/manual-clock.js';

function direct(): Socket {
  const socket = new Socket();
  markDirect(socket);
  return socket;
}

const reset = (syscall: string): NodeJS.ErrnoException => Object.assign(new Error(`${syscall} ECONNRESET`), { code: 'ECONNRESET', syscall });

describe('a socket that is read directly', () => {
  it('hands each read to its reader, as a copy: the buffer is used again', () => {
    const socket = direct();
    const chunks: Buffer[] = [];
    const buffer = Buffer.from('one');
    readInto(socket, reader((chunk) => { chunks.push(chunk); }));

    expect(deliver.call(socket, 2, buffer)).toBe(true);
    buffer.fill('x');

    expect(chunks.map(String)).toEqual(['on']);
  });

  it('lets a user hear its bytes too, as on any other socket', () => {
    const socket = direct();
    const heard: string[] = [];
    readInto(socket, reader((chunk) => { heard.push(`session ${String(chunk)}`); }));
    socket.on('data', (chunk: Buffer) => { heard.push(`user ${String(chunk)}`); });

    deliver.call(socket, 3, Buffer.from('one'));

    expect(heard).toEqual(['session one', 'user one']);
  });

  it('lets a user who has set an encoding hear text, whole characters of it', () => {
    const socket = direct();
    const heard: string[] = [];
    readInto(socket, reader((chunk) => { heard.push(`session ${chunk.length} bytes`); }));
    socket.setEncoding('utf8').on('data', (text: string) => { heard.push(`user ${text}`); });

    for (const bytes of [Buffer.from('aé').subarray(0, 2), Buffer.from('é').subarray(1), Buffer.from('é').subarray(0, 1)]) deliver.call(socket, bytes.length, bytes);

    expect(heard).toEqual(['session 2 bytes', 'user a', 'session 1 bytes', 'user é', 'session 1 bytes']);
  });

  it('copies nothing for a reader that throws it away, unless a user hears it', () => {
    const socket = direct();
    const heard: string[] = [];
    readInto(socket, { ...reader((chunk) => { heard.push(`session '${String(chunk)}'`); }), discards: true });

    deliver.call(socket, 3, Buffer.from('one'));
    socket.on('data', (chunk: Buffer) => { heard.push(`user '${String(chunk)}'`); });
    deliver.call(socket, 3, Buffer.from('two'));

    expect(heard).toEqual(["session ''", "session 'two'", "user 'two'"]);
  });

  it('throws away what comes before anybody reads it', () => {
    expect(deliver.call(direct(), 1, Buffer.from('x'))).toBe(true);
  });

  it('closes at a reset without an error event, and remembers it', async () => {
    const socket = direct();
    const told: string[] = [];
    socket.on('error', () => told.push('error')).on('close', () => told.push('close'));
    const error = reset('read');

    socket.destroy(error);
    await turn();

    expect(told).toEqual(['close']);
    expect(resetOf(socket)).toBe(error);
  });

  it.each([['of a write', reset('write')], ['of another kind', new Error('broken')]])('reports an error %s as usual', async (_title, error) => {
    const socket = direct();
    const told: string[] = [];
    socket.on('error', (failure) => told.push(failure.message)).on('close', () => told.push('close'));

    socket.destroy(error);
    await turn();

    expect(told).toEqual([error.message, 'close']);
    expect(resetOf(socket)).toBeUndefined();
  });
});

describe('any other stream', () => {
  it('is read as a stream', async () => {
    const stream = new PassThrough();
    const chunks: string[] = [];
    readInto(stream, reader((chunk) => { chunks.push(String(chunk)); }));

    stream.write('data');
    await turn();

    expect(chunks).toEqual(['data']);
    expect(resetOf(stream)).toBeUndefined();
  });
});
