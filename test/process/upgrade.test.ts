import { execFile } from 'node:child_process';
import type { RequestOptions } from 'node:http';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServerStatus } from 'prefork-tcp-server';
import { CHANNEL_FD } from '../../src/ipc/upgrade-protocol.js';
import { ask as askAdmin } from '../support/admin-client.js';
import { withMaster, type MasterProcess, type MasterSetup } from '../support/master-process.js';
import { freePorts } from '../support/haproxy.js';
import { listeningDescriptors, openFiles, statusWords } from '../support/proc.js';
import { isAlive, sendSignal, waitGone } from '../support/processes.js';
import { shortClients } from '../support/short-clients.js';
import { TcpClient } from '../support/tcp-client.js';
import { requireTool } from '../support/tools.js';
import { poll } from '../support/wait.js';
import { ONE, QUICK, program } from '../support/with-server.js';

let folder = '';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'prefork-upgrade-')); });
afterAll(() => { rmSync(folder, { recursive: true }); });

/** A master that hands over at SIGUSR2, and the file that its successors run first. */
function setup({ std = {}, ...options }: Readonly<Record<string, unknown>> = {}): MasterSetup & { readonly release: (code: string) => void } {
  const file = join(folder, `${String(Math.random()).slice(2)}.mjs`);
  const release = (code: string): void => { writeFileSync(file, code); };
  release('');
  return {
    program: 'upgradable.mjs', env: { RELEASE: file }, release,
    options: { ...QUICK, MaxServer: 2, StartServer: 2, MaxSessionPerServer: 20, GraceExpireTime: 60, ReloadSettleTime: 0.1, ...options, std },
  };
}

/** Asks the newest master for an upgrade. */
const ask = (master: MasterProcess): void => { sendSignal(master.masters.at(-1) ?? 0, 'SIGUSR2'); };

/** Upgrades, and waits for the new master. @returns its pid */
async function upgrade(master: MasterProcess): Promise<number> {
  const before = master.all('upgraded').length;
  ask(master);
  const event = await master.until(() => master.all('upgraded')[before], () => 'another upgrade', 20_000);
  return Number(event['pid']);
}

/** A client that comes, is served, and goes. */
async function visit(master: MasterProcess, port?: number): Promise<void> {
  const client = await master.join(port);
  await client.echo('served');
  await client.quit();
}

/** The process that has started another one. */
const parentOf = (pid: number): number => Number(statusWords(pid, 'PPid')[0]);

async function refusal(master: MasterProcess): Promise<Readonly<Record<string, unknown>>> {
  ask(master);
  return master.until(() => master.all('refused')[0], () => 'a refusal', 20_000);
}

describe('an upgrade', () => {
  it.each(['TCP', 'Unix'])('changes masters twice and refuses a broken one, over %s, with no failed client and lasting sessions served to their end', async (kind) => {
    const path = join(folder, 'socket');
    const { release, ...rest } = setup(kind === 'Unix' ? { Address: path, Domain: 'unix', Port: undefined } : {});
    await withMaster(rest, async (master) => {
      await master.event('up');
      const target = kind === 'Unix' ? path : await master.up();
      const lasting = await TcpClient.connect(target);
      await lasting.greeting();
      const stop = shortClients(target);

      const second = await upgrade(master);
      const inode = kind === 'Unix' ? lstatSync(path).ino : 0;
      const third = await upgrade(master);
      release("throw new Error('broken at load');");
      expect(await refusal(master)).toMatchObject({
        code: 'ERR_PREFORK_UPGRADE', reason: 'boot', exit: { code: 1, signal: null }, stderr: expect.stringContaining('broken at load') as string,
      });
      await lasting.echo('still served by the first');
      const { served, failed } = await stop();
      expect(failed).toEqual([]);
      expect(served).toBeGreaterThan(0);

      await waitGone(second);
      expect(master.ending).toBeUndefined();
      await lasting.quit();
      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect(isAlive(third)).toBe(true);
      if (kind === 'Unix') expect(lstatSync(path).ino).toBe(inode);
      else expect(listeningDescriptors(third, target as number)).toBe(1);
      sendSignal(third, 'SIGTERM');
      await master.over();
      expect(existsSync(path)).toBe(false);
    });
  }, 60_000);

  it('leaves nothing open in the process that it came to nothing in', async () => {
    const { release, ...rest } = setup();
    await withMaster(rest, async (master) => {
      await master.up();
      await master.ready(2);
      const before = openFiles(master.pid);
      release("throw new Error('broken');");
      const { pid } = await refusal(master);

      await waitGone(Number(pid));
      await master.until(() => (openFiles(master.pid) <= before ? true : undefined), () => `${before} descriptors instead of ${openFiles(master.pid)}`);
    });
  });

  it.each([
    ['never comes up', 'await new Promise(() => { setInterval(() => undefined, 1000); });', { timeout: 0.5 }, { reason: 'timeout' }],
    ['dies after its pool is ready', 'setInterval(() => { if (globalThis.isUp) process.exit(7); }, 5);', {}, { reason: 'crashed', exit: { code: 7, signal: null } }],
    ['has workers that end soon after they are ready', 'globalThis.change = { ServerStarted: () => { setTimeout(() => process.exit(3), 50); } };', {}, { reason: 'crashed', message: expect.stringContaining('exit code 3') as string }],
    ['cannot be run', '', { execPath: '/no/such/node' }, { reason: 'boot' }],
  ])('to a successor that %s leaves the old pool as it was', async (_title, code, options, evidence) => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, ReloadSettleTime: 10, std: { upgrade: options } });
    await withMaster(rest, async (master) => {
      const client = await master.join();
      release(code);

      const refused = await refusal(master);

      expect(refused).toMatchObject({ code: 'ERR_PREFORK_UPGRADE', ...evidence });
      if (typeof refused['pid'] === 'number') await waitGone(refused['pid']);
      await client.echo('as before');
      await (await master.join()).echo('and for others');
      expect(master.all('worker:drain').filter(({ reason }) => reason === 'upgrade')).toEqual([]);
    });
  });

  it('to a successor that ends as soon as it accepts leaves the old pool in charge', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1 });
    await withMaster(rest, async (master) => {
      const client = await master.join();
      release(`setInterval(() => {
        const [server] = globalThis.servers ?? [];
        if (server?.isMaster && server.address() !== null && !server.status().paused) process.kill(process.pid, 'SIGKILL');
      }, 1);`);

      expect(await refusal(master)).toMatchObject({ code: 'ERR_PREFORK_UPGRADE', reason: 'crashed', exit: { code: null, signal: 'SIGKILL' } });

      await client.echo('as before');
      await (await master.join()).echo('and for others');
      expect(master.all('worker:drain').filter(({ reason }) => reason === 'upgrade')).toEqual([]);
    });
  });

  it('that is given up by SIGTERM goes on taking clients until the successor, which has the socket, too, has ended', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1 });
    await withMaster(rest, async (master) => {
      const port = await master.up();
      const file = join(folder, 'go-on');
      release(`
        import { existsSync } from 'node:fs';
        console.log(JSON.stringify({ event: 'busy' }));
        while (!existsSync(${JSON.stringify(file)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      `);
      ask(master);
      await master.event('busy');

      master.signal('SIGTERM');
      await master.event('refused');

      await Promise.all([1, 2, 3].map(async () => visit(master, port)));
      expect(master.all('worker:drain')).toEqual([]);
      writeFileSync(file, '');
      expect(await master.over()).toEqual({ code: 0, signal: null });
    });
  });

  it.each([
    ['hangs while it loads', 'true'],
    ['has workers that hang while they load', 'process.send !== undefined'],
  ])('to a successor that %s leaves no process behind when the old master is ended', async (_title, condition) => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1 });
    await withMaster(rest, async (master) => {
      await master.up();
      release(`if (${condition}) {
        console.log(JSON.stringify({ event: 'hangs', pid: process.pid }));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      }`);
      ask(master);
      const { pid } = await master.event('hangs');

      master.signal('SIGTERM');

      await waitGone([master.pid, Number(pid)]);
      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.all('refused')).toMatchObject([{ code: 'ERR_PREFORK_STATE' }]);
    });
  });

  it('that is given up by a shutdown that gives no time keeps the process until the successor has ended, so that the call returns', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1 });
    release(`process.once('SIGCONT', async () => {
      await globalThis.servers[0].shutdown({ grace: 0 });
      console.log(JSON.stringify({ event: 'returned' }));
    });`);
    await withMaster(rest, async (master) => {
      await master.up();
      // Its pipe closes before it ends, as in any process, but by far more.
      release(`
        import { closeSync } from 'node:fs';
        const parent = process.ppid;
        process.on('exit', () => {
          closeSync(${CHANNEL_FD});
          while (process.ppid === parent) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        });
        console.log(JSON.stringify({ event: 'loads' }));
        await new Promise((resolve) => setTimeout(resolve, 1_000_000));
      `);
      ask(master);
      await master.event('loads');

      master.signal('SIGCONT');

      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.all('returned')).toHaveLength(1);
    });
  });

  it('to another address serves there, and leaves no file of the socket before', async () => {
    const [before, after] = [join(folder, 'before'), join(folder, 'after')];
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, Address: before, Domain: 'unix', Port: undefined });
    await withMaster(rest, async (master) => {
      await master.event('up');
      release(`globalThis.change = { Address: ${JSON.stringify(after)} };`);

      const pid = await upgrade(master);

      expect(await master.exit()).toEqual({ code: 0, signal: null });
      expect([before, after].map((path) => existsSync(path))).toEqual([false, true]);
      const client = await TcpClient.connect(after);
      await client.greeting();
      await client.quit();
      sendSignal(pid, 'SIGTERM');
      await master.over();
    });
  });

  it('comes with a signal, hands over every server of the program, and leaves their workers no descriptor of it', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, std: { aliases: ['first', 'second'] } });
    release('');
    await withMaster(rest, async (master) => {
      const ports = [await master.up('first'), await master.up('second')];

      const successor = await upgrade(master);

      expect(await master.exit()).toEqual({ code: 0, signal: null });
      for (const port of ports) await visit(master, port);
      expect(ports.map((port) => listeningDescriptors(successor, port))).toEqual([1, 1]);
      sendSignal(successor, 'SIGTERM');
      await master.over();
    });
  });

  it('hands over the places of Admin for good, and leaves them where they are if it comes to nothing', async () => {
    const [Port = 0, AgentPort = 0] = await freePorts(2);
    const Path = join(folder, 'admin');
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, Admin: { Port, AgentPort, Path } });
    /** The master whose first worker the page shows; undefined if nobody answers, or that worker has just gone. */
    const shown = async (options: RequestOptions = {}): Promise<number | undefined> => {
      try {
        const { body } = await askAdmin(`http://127.0.0.1:${Port}/status`, options);
        return parentOf((JSON.parse(body) as ServerStatus).workers[0]?.pid ?? 0);
      } catch {
        return undefined;
      }
    };
    /** Waits until the newest master answers at all of them. */
    const isShown = async (master: MasterProcess, masterPid: number): Promise<void> => {
      await poll(async () => await shown() === masterPid && await shown({ socketPath: Path }) === masterPid, () => `the pages of ${masterPid};\n${master.describe()}`);
      const agent = await TcpClient.connect(AgentPort);
      await agent.expectMatch(/^ready up \d+%\n/);
      agent.close();
    };
    await withMaster(rest, async (master) => {
      await master.up();
      await isShown(master, master.pid);
      const successor = await upgrade(master);
      // Whatever the old one closes at its end is not its own any more.
      await master.exit();
      await isShown(master, successor);
      release("throw new Error('broken');");
      await refusal(master);
      await isShown(master, successor);

      sendSignal(successor, 'SIGTERM');
      await master.over();
      expect(existsSync(Path)).toBe(false);
    });
  });

  it('takes over from a pool that was paused, and resumed during the upgrade', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, std: { resumes: true } });
    release('');
    await withMaster(rest, async (master) => {
      await master.up();
      const successor = await upgrade(master);
      await master.exit();

      await visit(master);

      sendSignal(successor, 'SIGTERM');
      await master.over();
    });
  });

  it('is asked for by SIGUSR2 where HandleSignals says so; workers that get it too serve on', async () => {
    await withMaster({ detached: true, options: { ...QUICK, ...ONE, ReloadSettleTime: 0, HandleSignals: { upgrade: 'SIGUSR2' } } }, async (master) => {
      const client = await master.join();
      master.signalGroup('SIGUSR2');

      const { pid } = await master.event('upgrade:done');
      await client.echo('still served');
      await client.quit();

      expect(await master.exit()).toEqual({ code: 0, signal: null });
      await visit(master);
      sendSignal(pid, 'SIGTERM');
      await master.over();
    });
  });

  it('is completed by a successor whose master is killed before it; until then the successor cannot be upgraded', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, ReloadSettleTime: 60 });
    release('');
    await withMaster(rest, async (master) => {
      const port = await master.up();
      ask(master);
      await master.until(() => (master.all('up').length > 1 ? true : undefined), () => 'the successor', 20_000);
      expect(await refusal(master)).toMatchObject({ code: 'ERR_PREFORK_STATE', message: expect.stringContaining('takes over from another process, which serves until then') as string });

      master.signal('SIGKILL');
      await master.exit();

      await (await master.join(port)).echo('served by the successor');
    });
  });

  it.runIf(requireTool('unshare') && requireTool('tini'))('is refused where a container would end with it: in process 1, under tini, under a shell', async () => {
    const code = `
      import { PreforkTcpServer } from 'prefork-tcp-server';
      const server = new PreforkTcpServer({ Address: '127.0.0.1', MaxServer: 1, Script: ${JSON.stringify(program('std.mjs').href)}, ClientInput: () => {} });
      await server.ready();
      await server.upgrade().catch(({ code, message }) => console.log(code, message));
      await server.shutdown();`;
    const under = async (...command: readonly string[]): Promise<string> => {
      const { stdout } = await promisify(execFile)('unshare', ['-pf', '--kill-child', '--mount-proc', ...command, process.execPath, '--input-type=module', '-e', code]);
      return stdout;
    };

    expect(await Promise.all([under(), under('tini', '--'), under('sh', '-c', '"$@"; true', 'sh')])).toEqual([
      expect.stringMatching(/^ERR_PREFORK_STATE upgrade\(\) does not work here: this process has pid 1/),
      expect.stringMatching(/^ERR_PREFORK_STATE upgrade\(\) does not work here: the parent of this process is process 1, tini,/),
      expect.stringMatching(/^ERR_PREFORK_STATE upgrade\(\) does not work here: the parent of this process is process 1, sh,/),
    ]);
  });

  const [other] = (process.env['PREFORK_OTHER_NODES'] ?? '').split(':').filter((path) => path !== '');
  it.skipIf(other === undefined)('goes to another line of Node and back', async () => {
    const { release, ...rest } = setup({ ...ONE, StartServer: 1, std: { nodes: [process.execPath, other] } });
    release('');
    await withMaster(rest, async (master) => {
      const port = await master.up();
      const stop = shortClients(port);

      await upgrade(master);
      const last = await upgrade(master);

      expect((await stop()).failed).toEqual([]);
      expect(new Set(master.all('upgraded').map(({ node }) => node)).size).toBe(2);
      sendSignal(last, 'SIGTERM');
      await master.over();
    });
  }, 60_000);
});
