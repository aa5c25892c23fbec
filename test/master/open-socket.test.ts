import { afterEach, describe, expect, it } from 'vitest';
import type { HandedSocket } from '../../src/ipc/upgrade-protocol.js';
import { bindListeningSocket, type ListeningSocket } from '../../src/master/listening-socket.js';
import { openSocket, type OpenSocket } from '../../src/master/open-socket.js';
import { resolveOptions } from '../../src/options/resolve.js';
import type { PreforkTcpServerOptions } from '../../src/options/options.js';

const open: ListeningSocket[] = [];
afterEach(() => { for (const socket of open.splice(0)) socket.close(); });

const configOf = (options: PreforkTcpServerOptions): ReturnType<typeof resolveOptions>['listen'] => (
  resolveOptions({ Address: '127.0.0.1', MaxServer: 1, ClientInput: () => undefined, ...options }, 'master').listen
);

/** Opens the socket of a master, as a test's own process; it has bound it, or systemd has. */
async function predecessor(options: PreforkTcpServerOptions, { isActivated = false } = {}): Promise<{ handed: HandedSocket; port: number }> {
  const socket = await bindListeningSocket({ kind: 'tcp', address: '127.0.0.1', family: 4, port: 0, ipv6Only: false }, 5);
  open.push(socket);
  const { port } = socket.address as { port: number };
  const name = isActivated ? JSON.stringify({ fd: options.Fd }) : JSON.stringify({ target: configOf({ ...options, Port: port }).target });
  return { handed: { alias: 'a', ordinal: 1, fd: socket.fd, target: name, address: socket.address, file: null, paused: false }, port };
}

/** What its successor makes of it. */
async function succeed(handed: HandedSocket, options: PreforkTcpServerOptions): Promise<OpenSocket & { declined: boolean }> {
  let declined = false;
  const opened = await openSocket(configOf(options), { socket: handed, decline: () => { declined = true; } });
  // A socket that is taken over has one descriptor with that of the test, which closes it.
  if (!opened.socket.isInherited) open.push(opened.socket);
  return { ...opened, declined };
}

describe('the socket of a successor', () => {
  it('is that of systemd if Fd is the same, whatever Address and Port are for where there is none', async () => {
    const { handed, port } = await predecessor({ Fd: 'web', Port: 10_000 }, { isActivated: true });

    const { socket, name, declined } = await succeed(handed, { Fd: 'web', Port: 1 });

    expect([(socket.address as { port: number }).port, socket.isInherited, declined, name]).toEqual([port, true, false, '{"fd":"web"}']);
  });

  it.each([['no Fd either', {}], ['an Fd for where systemd passes one', { Fd: 'web' }]])('is the one that its predecessor has bound, with the same address and %s', async (_title, options) => {
    const { handed, port } = await predecessor(options);

    const { socket, declined } = await succeed(handed, { ...options, Port: port });

    expect([(socket.address as { port: number }).port, socket.isInherited, declined]).toEqual([port, true, false]);
  });

  it('is that of systemd by its address, too', async () => {
    const { handed, port } = await predecessor({ Fd: 'web' }, { isActivated: true });

    expect(await succeed(handed, { Port: port })).toMatchObject({ declined: false, socket: { isInherited: true } });
  });

  it('is one of its own with another address', async () => {
    const { handed, port } = await predecessor({});

    const { socket, declined } = await succeed(handed, { Port: 0, Address: '127.0.0.1' });

    expect([socket.isInherited, declined]).toEqual([false, true]);
    expect((socket.address as { port: number }).port).not.toBe(port);
  });

  it('is refused if Fd names another one than systemd has passed: that cannot be had by an upgrade', async () => {
    const { handed } = await predecessor({ Fd: 'web' }, { isActivated: true });

    await expect(succeed(handed, { Fd: 'admin', Port: 0 })).rejects.toThrow(
      'Cannot listen on Fd admin: open failed with EBADF; the process before this one has the socket Fd web, and systemd passes others only when it starts the service: keep Fd web, or restart the service.',
    );
  });
});
