import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { bindListeningSocket, type ListeningSocket } from '../../src/master/listening-socket.js';
import { sendSignal } from '../support/processes.js';

const open: ListeningSocket[] = [];
afterEach(() => { for (const socket of open.splice(0)) socket.close(); });

async function bind(port: number): Promise<ListeningSocket> {
  const socket = await bindListeningSocket({ kind: 'tcp', address: '127.0.0.1', family: 4, port, ipv6Only: false }, 5);
  open.push(socket);
  return socket;
}

const portOf = ({ address }: ListeningSocket): number => (address as AddressInfo).port;

describe.runIf(process.platform === 'linux')('a port that is in use', () => {
  it('although no process has it is waited for: copies of its socket were on their way when a server was killed', async () => {
    const socket = await bind(0);
    const child = spawn(process.execPath, ['-e', 'process.on("message", () => {})'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    try {
      sendSignal(child.pid ?? 0, 'SIGSTOP');
      await promisify(child.send.bind(child) as (message: object, handle: unknown, done: (error: Error | null) => void) => void)({}, socket.handle);
      socket.close();

      const next = bind(portOf(socket));
      child.kill('SIGKILL');

      expect(portOf(await next)).toBe(portOf(socket));
    } finally {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });

  it('by a process is refused at once, with what to do', async () => {
    await expect(bind(portOf(await bind(0)))).rejects.toThrow('this process listens there already');
  });
});
