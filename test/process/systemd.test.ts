import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { withMaster } from '../support/master-process.js';
import { statusWords } from '../support/proc.js';
import { sendSignal, waitGone } from '../support/processes.js';
import { TcpClient, type Target } from '../support/tcp-client.js';
import { requireTool } from '../support/tools.js';
import { Waiters, nextSignal, poll, within } from '../support/wait.js';
import { ONE, QUICK, program } from '../support/with-server.js';

/** A program whose output is awaited, ended with the scope. */
class Program implements AsyncDisposable {
  output = '';
  readonly #child: ChildProcess;
  readonly #waiters = new Waiters();
  readonly #ended: Promise<unknown>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_NO_WARNINGS: '1' } });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#waiters.notify();
      });
    }
    this.#ended = new Promise((resolve) => { this.#child.once('close', resolve); });
  }

  async says(pattern: RegExp): Promise<void> {
    await this.#waiters.until(() => (pattern.test(this.output) ? true : undefined), () => `${String(pattern)} in ${this.output}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await within(this.#ended, () => `the end of a program that said ${this.output}`);
  }
}

/**
 * Node has no datagram sockets of the Unix family. recv(2) drops the descriptor that systemd-notify sends along, and until
 * whose end it waits: socat would keep it.
 */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
while True: print(receiver.recv(65536).decode())
`;

let folder = '';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'prefork-systemd-')); });
afterAll(() => { rmSync(folder, { recursive: true }); });

describe.runIf(requireTool('systemd-socket-activate'))('a socket that systemd has bound', () => {
  const activate = (listen: string, options: object): Program => new Program('systemd-socket-activate', [
    '-l', listen, '--fdname=web', process.execPath, fileURLToPath(program('environment.mjs')), JSON.stringify({ ...ONE, GraceExpireTime: 1, ...options }),
  ]);

  it.each([['its number', 3], ['its name', 'web']])('is served, named by %s; its workers know nothing of it', async (_title, Fd) => {
    const port = await freePort();
    await using service = activate(`127.0.0.1:${port}`, { Fd, Port: 1 });
    await service.says(/Listening on/);

    using client = await TcpClient.connect(port);
    await client.greeting();
    client.send('sockets\n');

    expect((await client.readLine()).trim()).toBe('sockets');
    await service.says(new RegExp(`"port":${port}`));
  });

  it('may be a Unix socket, whose file stays when the server ends', async () => {
    const path = join(folder, 'activated');
    {
      await using service = activate(path, { Fd: 3 });
      await service.says(/Listening on/);
      const target: Target = path;
      using client = await TcpClient.connect(target);
      await client.greeting();
      await service.says(new RegExp(`"address":"${path}"`));
    }

    expect(existsSync(path)).toBe(true);
  });

  it('is refused by a name that was not passed, with those that were', async () => {
    const port = await freePort();
    await using service = activate(`127.0.0.1:${port}`, { Fd: 'admin' });
    await service.says(/Listening on/);
    using client = await TcpClient.connect(port);

    await service.says(/Fd admin.*systemd has passed 3 \(web\)/);
    client.close();
  });

  it('is not looked for where systemd has passed none: the address counts', async () => {
    await withMaster({ options: { ...ONE, Fd: 3 } }, async (master) => {
      await (await master.join()).echo('served');
    });
  });
});

describe.runIf(requireTool('python3') && requireTool('systemd-notify'))('systemd', () => {
  it('learns nothing if the program systemd-notify is missing, which a warning says once; the server serves', async () => {
    await withMaster({ options: { ...ONE }, env: { NOTIFY_SOCKET: join(folder, 'nothing'), PATH: folder, NODE_NO_WARNINGS: '0' } }, async (master) => {
      await (await master.join()).echo('served');
      await master.line(/Install the program systemd-notify, or turn the option Notify off/, 'stderr');
    });
  });

  it('learns when the server is ready, reloads, is alive and drains', async () => {
    const path = join(folder, 'notify');
    await using systemd = new Program('python3', ['-u', '-c', RECEIVER, path]);
    await poll(() => existsSync(path), () => 'the socket of notifications');
    await withMaster({
      options: { ...QUICK, ...ONE, ReloadSettleTime: 0 }, detached: true, env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000' },
    }, async (master) => {
      await master.up();
      await systemd.says(/READY=1\nSTATUS=1 of 1 workers ready, 0 clients/);
      await systemd.says(/WATCHDOG=1\n/);

      master.signal('SIGHUP');
      await systemd.says(/RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reloading release 2/);
      await systemd.says(/reloading release 2.*READY=1/s);

      master.signal('SIGTERM');
      expect(await master.exit()).toEqual({ code: 0, signal: null });
      await systemd.says(/STOPPING=1\n.*EXTEND_TIMEOUT_USEC=\d+/s);
    });
  });

  it('learns of another main process by upgrade(), which is no child of the old one, and which is alive; nothing of the end of the old one', async () => {
    const path = join(folder, 'notify-upgrade');
    await using systemd = new Program('python3', ['-u', '-c', RECEIVER, path]);
    await poll(() => existsSync(path), () => 'the socket of notifications');
    await withMaster({
      options: { ...QUICK, ...ONE, ReloadSettleTime: 0, HandleSignals: { upgrade: 'SIGUSR2' } }, env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' },
    }, async (master) => {
      await master.up();
      const client = await master.join();

      master.signal('SIGUSR2');

      const { pid } = await master.event('upgrade:done');
      await systemd.says(new RegExp(`MAINPID=${pid}\\n`));
      expect(statusWords(pid, 'PPid')).not.toEqual([String(master.pid)]);
      await systemd.says(new RegExp(`MAINPID=${pid}\\n[^]*READY=1\\n[^]*WATCHDOG=1\\n`));
      await client.echo('still served');
      await client.quit();
      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect(systemd.output).not.toMatch(/STOPPING|EXTEND/);
      sendSignal(pid, 'SIGTERM');
      await systemd.says(/STOPPING=1\n/);
      await master.over();
    });
  });

  it('learns nothing from a successor that ends before it is the service: systemd would stop the service', async () => {
    const path = join(folder, 'notify-failed');
    await using systemd = new Program('python3', ['-u', '-c', RECEIVER, path]);
    await poll(() => existsSync(path), () => 'the socket of notifications');
    await withMaster({ program: 'upgradable.mjs', options: { ...QUICK, ...ONE, ReloadSettleTime: 60 }, env: { NOTIFY_SOCKET: path } }, async (master) => {
      await master.up();
      master.signal('SIGUSR2');
      const { pid } = await master.event('up', (up) => up['pid'] !== master.pid);

      sendSignal(Number(pid), 'SIGTERM');

      await master.event('refused');
      await waitGone(Number(pid));
      expect(systemd.output).not.toMatch(/STOPPING|EXTEND/);
      master.signal('SIGTERM');
      await master.over();
      expect(systemd.output.match(/STOPPING=1\n/g)).toHaveLength(1);
    });
  });

  it('learns that the server stops when its ShutdownDelay begins, while clients still come', async () => {
    const path = join(folder, 'notify-delay');
    await using systemd = new Program('python3', ['-u', '-c', RECEIVER, path]);
    await poll(() => existsSync(path), () => 'the socket of notifications');
    await withMaster({ options: { ...ONE, ShutdownDelay: 600 }, env: { NOTIFY_SOCKET: path } }, async (master) => {
      await master.up();
      master.signal('SIGTERM');

      await systemd.says(/STOPPING=1\n/);
      const client = await master.join();
      await client.echo('served');
      await client.quit();
      // Another signal ends the delay.
      await nextSignal();
      master.signal('SIGINT');

      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect(systemd.output.match(/STOPPING=1/g)).toHaveLength(1);
    });
  });
});
