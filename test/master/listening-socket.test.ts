import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { bindListeningSocket, type ListeningSocket } from '../../src/master/listening-socket.js';
import { sendSignal } from '../support/processes.js';

const open: ListeningSocket[] = [];
afterEach(() => { for (const socket of open.splice(0)) socket.close(); });
const folder = mkdtempSync(join(tmpdir(), 'prefork-socket-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

async function bind(port: number): Promise<ListeningSocket> {
  const socket = await bindListeningSocket({ kind: 'tcp', address: '127.0.0.1', family: 4, port, ipv6Only: false }, 5);
  open.push(socket);
  return socket;
}

async function bindName(path: string): Promise<ListeningSocket> {
  const socket = await bindListeningSocket({ kind: 'unix', path, mode: undefined }, 5);
  open.push(socket);
  return socket;
}

const portOf = ({ address }: ListeningSocket): number => (address as AddressInfo).port;

/** Leaves a copy of a socket on its way to a process, and no process that has it. @returns ends that process, and the copy with it */
async function leaveOnTheWay(socket: ListeningSocket): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ['-e', 'process.on("message", () => {})'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  sendSignal(child.pid ?? 0, 'SIGSTOP');
  await promisify(child.send.bind(child) as (message: object, handle: unknown, done: (error: Error | null) => void) => void)({}, socket.handle);
  // A server that is killed leaves its file.
  socket.file = undefined;
  socket.close();
  return async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
}

describe.runIf(process.platform === 'linux')('a port that is in use', () => {
  it('although no process has it is waited for: copies of its socket were on their way when a server was killed', async () => {
    const socket = await bind(0);
    const end = await leaveOnTheWay(socket);

    const [next] = await Promise.all([bind(portOf(socket)), end()]);

    expect(portOf(next)).toBe(portOf(socket));
  });

  it('by a process is refused at once, with what to do', async () => {
    await expect(bind(portOf(await bind(0)))).rejects.toThrow('this process listens there already');
  });
});

describe.runIf(process.platform === 'linux')('the name of a Unix socket that is in use', () => {
  it.each(['path', 'abstract name'])('although no process has it is waited for: %s', async (kind) => {
    const name = kind === 'path' ? join(folder, 'x.sock') : `\0prefork-${process.pid}`;
    const end = await leaveOnTheWay(await bindName(name));

    const [next] = await Promise.all([bindName(name), end()]);

    expect(next.address).toBe(name);
  });
});
