import { readFileSync, symlinkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atRate, failures } from '../programs/load.js';
import { freePort } from '../support/free-port.js';
import { Releases } from '../support/releases.js';
import { Systemd } from '../support/systemd.js';
import { TcpClient } from '../support/tcp-client.js';
import { requireTool, toolPath } from '../support/tools.js';
import { poll } from '../support/wait.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/systemd/', import.meta.url));
/** With it the tests need not wait for long. */
const WATCHDOG_S = 2;
/** A signal that makes the master stand still. */
const HOOK = "process.on('SIGUSR2', () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });";

/** A unit of examples/systemd, fit for this machine and for a user's manager. */
function unit(name: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${name} does not have ${from}`);
    return text.replaceAll(from, to);
  }, readFileSync(join(EXAMPLES, name), 'utf8'));
}

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('Only root can start a systemd of its own (unshare): tests that need it are skipped.\n');

describe.runIf(requireTool('systemctl') && requireTool('systemd-notify') && requireTool('unshare') && requireTool('curl') && isRoot)('the service of examples/systemd', () => {
  const releases = new Releases();
  const options = `
    Fd: 'prefork', Address: '127.0.0.1', Port: 1, Admin: { Path: process.env.RUNTIME_DIRECTORY + '/admin.sock' },
    MaxServer: 2, StartServer: 2, MinServer: 2, MinSpareServer: 0, GraceExpireTime: 3, ReloadSettleTime: 0.1,`;
  let systemd: Systemd;
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    releases.lead(EXAMPLES);
    mkdirSync(join(releases.root, 'node_modules'));
    symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(releases.root, 'node_modules/prefork-tcp-server'));
    const hook = join(releases.root, 'hook.js');
    writeFileSync(hook, HOOK);
    const log = join(releases.root, 'log');
    systemd = await Systemd.start({
      'prefork.socket': unit('prefork.socket', [['127.0.0.1:10000', `127.0.0.1:${port}`]]),
      'prefork.service': unit('prefork.service', [
        ['/usr/bin/node', process.execPath], ['/usr/bin/curl', toolPath('curl')], ['/srv/prefork/current', releases.directory],
        ['WatchdogSec=20', `WatchdogSec=${WATCHDOG_S}`],
        // A user's manager has no other users.
        ['DynamicUser=yes', `StandardOutput=append:${log}\nStandardError=append:${log}\nEnvironment=NODE_OPTIONS=--import=${hook}\nRestartSec=0`],
      ]),
    });
  }, 60_000);
  afterAll(async () => {
    await systemd[Symbol.asyncDispose]();
    releases.remove();
  });

  const mainPid = async (): Promise<number> => Number((await systemd.systemctl('show prefork.service -P MainPID')).text);
  const statusText = async (): Promise<string> => (await systemd.systemctl('show prefork.service -P StatusText')).text.trim();
  const log = (): string => readFileSync(join(releases.root, 'log'), 'utf8');

  it('has started when a worker accepts, on the socket of prefork.socket, and says how the pool is', async () => {
    expect(await systemd.systemctl('start prefork.service')).toMatchObject({ code: 0 });

    expect(await statusText()).toMatch(/^[1-5] of [1-5] workers ready, 0 clients$/);
    using client = await TcpClient.connect(port);
    client.send('hello\n');
    expect(await client.readLine()).toMatch(/^\d+: hello$/);
  });

  it('fails a reload of a release that does not work, with the reason, and goes on', async () => {
    const before = await mainPid();
    releases.lead(releases.write({ before: "throw new Error('broken at load');", options }));

    const { code } = await systemd.systemctl('reload prefork.service');

    expect(code).toBe(1);
    expect(log()).toMatch(/broken at load/);
    // What systemd-notify sends may come after the answer to curl. It stays, whatever the watchdog says meanwhile.
    await poll(async () => (await statusText()).includes('the last reload failed: Release 2'), () => 'the failure in the status of the service');
    expect(await mainPid()).toBe(before);
  });

  it('has reloaded when the new release serves', async () => {
    releases.lead(releases.write({ options }));

    expect(await systemd.systemctl('reload prefork.service')).toMatchObject({ code: 0 });

    await poll(async () => /^2 of 2 workers ready, 0 clients$/.test(await statusText()), () => 'the status of the pool');
    using client = await TcpClient.connect(port);
    await client.greeting();
    await client.echo('hello');
  });

  it('refuses nobody and loses nobody while it restarts', async () => {
    const before = await mainPid();

    const visits = await atRate(port, 50, async () => {
      expect(await systemd.systemctl('restart prefork.service')).toMatchObject({ code: 0 });
    });

    expect(failures(visits)).toEqual([]);
    expect(await mainPid()).not.toBe(before);
  });

  it('is restarted when its master stands still, and refuses nobody meanwhile', async () => {
    const before = await mainPid();
    await systemd.run(`kill -USR2 ${before}`);

    const { code } = await systemd.run(`for try in $(seq 300); do [ "$(systemctl --user show prefork.service -P MainPID -P ActiveState | tr '\\n' ' ')" != "${before} active " ] && systemctl --user is-active -q prefork.service && break; sleep 0.05; done`, 20_000);

    expect(code).toBe(0);
    expect(await mainPid()).not.toBe(before);
    expect((await systemd.systemctl('show prefork.service -P NRestarts')).text.trim()).toBe('1');
    using client = await TcpClient.connect(port);
    await client.greeting();
    await client.echo('hello');
  });

  it('stops when its clients have left', async () => {
    using client = await TcpClient.connect(port);
    await client.greeting();

    const stopped = systemd.systemctl('stop prefork.service prefork.socket');
    client.send('quit\n');
    await stopped;

    expect((await systemd.systemctl('show prefork.service -P Result -P ActiveState')).text.trim().split('\n')).toEqual(['success', 'inactive']);
  });
});
