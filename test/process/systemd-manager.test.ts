import { spawnSync } from 'node:child_process';
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
const WATCHDOG_S = 4;
/** A signal that makes the master stand still. */
const HOOK = "process.on('SIGWINCH', () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });";

/** A unit of examples/systemd, fit for this machine and for a user's manager. */
function unit(name: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${name} does not have ${from}`);
    return text.replaceAll(from, to);
  }, readFileSync(join(EXAMPLES, name), 'utf8'));
}

const hasTools = ['systemctl', 'systemd-notify', 'unshare', 'curl'].every((tool) => requireTool(tool));
/** Why no systemd can be started here; undefined = it can. */
const obstacle = hasTools ? obstacleToUnshare() : 'a program is missing';
if (obstacle !== undefined && hasTools) process.stderr.write(`Tests that need a systemd of their own are skipped: ${obstacle}\n`);

function obstacleToUnshare(): string | undefined {
  const { status, stderr } = spawnSync(toolPath('unshare'), ['--pid', '--fork', '--mount', '--mount-proc', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `root has to run them, with the capability SYS_ADMIN (${stderr.trim()}).`;
}

it.runIf(obstacle !== undefined && process.env['CI'] === 'true')('the service of examples/systemd is tested in CI', () => {
  expect.fail(obstacle);
});

describe.runIf(obstacle === undefined)('the service of examples/systemd', () => {
  const releases = new Releases();
  const options = `
    Fd: 'prefork', Address: '127.0.0.1', Port: 1, Admin: { Path: process.env.RUNTIME_DIRECTORY + '/admin.sock' },
    HandleSignals: { upgrade: 'SIGUSR2' }, MaxServer: 2, StartServer: 2, MinServer: 2, MinSpareServer: 0, GraceExpireTime: 30, ReloadSettleTime: 0.1,`;
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

  const mainPid = async (): Promise<number> => shown('MainPID');
  const statusText = async (): Promise<string> => (await systemd.systemctl('show prefork.service -P StatusText')).text.trim();
  /** A number that `systemctl show` has. */
  const shown = async (name: string): Promise<number> => Number((await systemd.systemctl(`show prefork.service -P ${name}`)).text);
  /** Upgrades, until systemd has another main process. @returns its pid */
  const upgrade = async (): Promise<number> => {
    const before = await mainPid();
    expect(await systemd.systemctl('kill --kill-whom=main --signal=USR2 prefork.service')).toMatchObject({ code: 0 });
    let after = before;
    await poll(async () => {
      after = await mainPid();
      return after !== before && after !== 0;
    }, () => `another main process; ${log()}`, 30_000);
    return after;
  };
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

  it('changes masters on the socket of prefork.socket: another main process feeds the watchdog, lasting clients are served, nobody is lost', async () => {
    const before = await mainPid();
    using lasting = await TcpClient.connect(port);
    await lasting.greeting();

    let after = 0;
    const visits = await atRate(port, 50, async () => { after = await upgrade(); });
    const changedAt = await shown('WatchdogTimestampMonotonic');
    await poll(async () => await shown('WatchdogTimestampMonotonic') > changedAt + WATCHDOG_S * 1e6, () => 'signs of life from the new master');

    if (failures(visits).length > 0) console.error(JSON.stringify([visits.length, failures(visits)]), log().slice(-3000));
    expect(failures(visits)).toEqual([]);
    expect([await mainPid(), await shown('NRestarts')]).toEqual([after, 0]);
    expect((await systemd.systemctl('is-active prefork.service')).text).toBe('active\n');
    await lasting.echo('served by the old one');
    await lasting.quit();
    // Its parent, the service manager's, has it as no child any more.
    expect(await systemd.run(`for try in $(seq 300); do [ -e /proc/${before} ] || break; sleep 0.05; done; ! [ -e /proc/${before} ]`, 20_000)).toMatchObject({ code: 0 });
    expect(await mainPid()).toBe(after);
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
    await systemd.run(`kill -WINCH ${before}`);

    const { code } = await systemd.run(`for try in $(seq 300); do [ "$(systemctl --user show prefork.service -P MainPID -P ActiveState | tr '\\n' ' ')" != "${before} active " ] && systemctl --user is-active -q prefork.service && break; sleep 0.05; done`, 20_000);

    expect(code).toBe(0);
    expect(await mainPid()).not.toBe(before);
    expect((await systemd.systemctl('show prefork.service -P NRestarts')).text.trim()).toBe('1');
    using client = await TcpClient.connect(port);
    await client.greeting();
    await client.echo('hello');
  });

  it('stops when the clients of its newest master have left', async () => {
    const newest = await upgrade();
    using client = await TcpClient.connect(port);
    await client.greeting();

    const stopped = systemd.systemctl('stop prefork.service prefork.socket');
    client.send('quit\n');
    await stopped;

    expect((await systemd.systemctl('show prefork.service -P Result -P ActiveState')).text.trim().split('\n')).toEqual(['success', 'inactive']);
    expect(await systemd.run(`! [ -e /proc/${newest} ]`)).toMatchObject({ code: 0 });
  });
});
