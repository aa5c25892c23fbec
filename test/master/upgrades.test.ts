import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { UPGRADE_MARK, UPGRADE_VERSION, parseMark, type ToPredecessor, type ToSuccessor } from '../../src/ipc/upgrade-protocol.js';
import type { SuccessorCommand, SuccessorEvents } from '../../src/master/successor-process.js';
import { Upgrades, type UpgradableServer, type UpgradesParts } from '../../src/master/upgrades.js';
import { deferred } from '../support/deferred.js';
import { ManualClock, turn } from '../support/manual-clock.js';

const ADDRESS = { address: '127.0.0.1', family: 'IPv4', port: 10_000 };

/** A process that can be upgraded, its successors, and the log of what happens. */
class Scene {
  readonly clock = new ManualClock();
  readonly log: string[] = [];
  readonly started: { readonly command: SuccessorCommand; readonly events: SuccessorEvents }[] = [];
  readonly process: EventEmitter & UpgradesParts['process'];
  readonly upgrades: Upgrades;

  constructor(given: Partial<UpgradesParts['process']> = {}, init?: string) {
    const fake = {
      pid: 100, execPath: '/usr/bin/node', execArgv: ['--inspect=9229', '--no-warnings'], argv: ['/usr/bin/node', '/releases/1/server.js', '8080'],
      env: { PWD: '/elsewhere', LISTEN_FDS: '1', LISTEN_PID: '100', WATCHDOG_PID: '100', WATCHDOG_USEC: '5' }, exit: () => { this.log.push('exit'); }, ...given,
    };
    this.process = Object.assign(new EventEmitter(), fake);
    this.upgrades = new Upgrades({
      clock: this.clock, process: this.process, init,
      start: (command, events) => {
        this.started.push({ command, events });
        return { pid: 200, send: (message: ToSuccessor) => { this.log.push(message.type === 'pause' ? `pause ${message.server.alias} ${message.server.ordinal} ${message.on}` : message.type); }, kill: () => { this.log.push('kill'); } };
      },
    });
  }

  add(alias: string, change: Partial<UpgradableServer> = {}): UpgradableServer {
    const server: UpgradableServer = {
      alias, notifies: false, endsProcess: true, program: { script: '/releases/current/server.js', directory: '/releases/current' },
      objection: () => undefined,
      describe: () => ({ fd: 20, target: `target of ${alias}`, address: ADDRESS, file: null, paused: false }),
      settleMs: () => 1000,
      handOver: (pid, keepsSocket) => {
        this.log.push(`${alias} hands over to ${pid}${keepsSocket ? ' but for its socket' : ''}`);
        return Promise.resolve();
      },
      leave: (keepsSocket) => {
        this.log.push(`${alias} leaves${keepsSocket ? ' its socket' : ''}`);
        return Promise.resolve();
      },
      ...change,
    };
    this.upgrades.add(server);
    return server;
  }

  hear(...messages: readonly ToPredecessor[]): void {
    for (const message of messages) this.started.at(-1)?.events.heard(message);
  }

  /** Brings a successor with these servers up. */
  async bringUp(...aliases: readonly string[]): Promise<void> {
    const all = (type: 'ready' | 'accepting'): ToPredecessor[] => aliases.map((alias) => ({ type, server: { alias, ordinal: 1 } }));
    this.hear({ type: 'hello', version: UPGRADE_VERSION, confirms: true }, ...all('ready'));
    this.clock.advance(1000);
    this.hear(...all('accepting'));
    this.clock.advance(500);
    this.hear({ type: 'confirmed' });
    await turn();
  }
}

describe('upgrade()', () => {
  it('starts the program anew, by the ways that it was given, with a mark of the sockets that it takes over', async () => {
    const scene = new Scene();
    scene.add('a', { describe: () => ({ fd: 20, target: 'A', address: ADDRESS, file: null, paused: true }) });
    scene.add('b', { describe: () => ({ fd: 30, target: 'B', address: '/run/b', file: { path: '/run/b', dev: '1', ino: '2' }, paused: false }) });
    scene.add('a', { describe: () => ({ fd: 40, target: 'C', address: ADDRESS, file: null, paused: false }) });

    scene.upgrades.request({}).catch(() => undefined);
    await turn();

    const { env, ...command } = scene.started[0]?.command ?? {};
    expect(command).toEqual({
      execPath: '/usr/bin/node', execArgv: ['--no-warnings'], args: ['/releases/current/server.js', '8080'], directory: '/releases/current', sockets: [20, 30, 40], orphaned: false,
    });
    const { [UPGRADE_MARK]: mark = '', ...rest } = { ...env };
    expect(rest).toEqual({ PWD: '/releases/current', WATCHDOG_USEC: '5' });
    expect(parseMark(mark)).toEqual({
      version: UPGRADE_VERSION,
      servers: [
        { alias: 'a', ordinal: 1, fd: 4, target: 'A', address: ADDRESS, file: null, paused: true },
        { alias: 'b', ordinal: 1, fd: 5, target: 'B', address: '/run/b', file: { path: '/run/b', dev: '1', ino: '2' }, paused: false },
        { alias: 'a', ordinal: 2, fd: 6, target: 'C', address: ADDRESS, file: null, paused: false },
      ],
    });
  });

  it('takes another program, and other arguments; one that systemd knows is to be no child of this process', async () => {
    const scene = new Scene();
    scene.add('a');
    scene.add('b', { notifies: true });

    scene.upgrades.request({ execPath: '/opt/node', execArgv: ['--inspect'], args: [] }).catch(() => undefined);
    await turn();

    expect(scene.started[0]?.command).toMatchObject({ execPath: '/opt/node', execArgv: ['--inspect'], args: ['/releases/current/server.js'], orphaned: true });
  });

  it('hands over, lets the clients of all servers finish, and then ends the process', async () => {
    const scene = new Scene();
    const left = deferred();
    scene.add('a');
    scene.add('b', {
      leave: async () => {
        await left.promise;
        scene.log.push('b leaves');
      },
    });
    const outcome = scene.upgrades.request({});
    expect(scene.upgrades.isRunning).toBe(true);

    await scene.bringUp('a', 'b');

    await expect(outcome).resolves.toEqual({ pid: 200 });
    expect(scene.log).toEqual(['go', 'confirm', 'a hands over to 200', 'b hands over to 200', 'over', 'a leaves']);
    left.resolve();
    await turn();
    expect(scene.log.slice(-2)).toEqual(['b leaves', 'exit']);
    expect([scene.upgrades.isRunning, scene.process.listenerCount('exit')]).toEqual([false, 0]);
  });

  it('leaves a server its socket, with those who wait there, if the successor has another one', async () => {
    const scene = new Scene();
    scene.add('a');
    scene.add('b');
    void scene.upgrades.request({});
    scene.hear({ type: 'declined', server: { alias: 'b', ordinal: 1 } });

    await scene.bringUp('a', 'b');

    expect(scene.log).toEqual(['go', 'confirm', 'a hands over to 200', 'b hands over to 200 but for its socket', 'over', 'a leaves', 'b leaves its socket', 'exit']);
  });

  it('tells the successor which server is paused or resumed meanwhile', async () => {
    const scene = new Scene();
    scene.add('a');
    const server = scene.add('a');
    void scene.upgrades.request({});

    scene.upgrades.pause(server, true);
    scene.hear({ type: 'ready', server: { alias: 'a', ordinal: 2 } }, { type: 'accepting', server: { alias: 'a', ordinal: 2 } });
    await scene.bringUp('a');
    scene.upgrades.pause(server, false);

    expect(scene.log.filter((word) => !word.startsWith('a '))).toEqual(['pause a 2 true', 'go', 'confirm', 'over', 'exit']);
  });

  it('leaves the end of the process to the program where HandleSignals is false', async () => {
    const scene = new Scene();
    scene.add('a', { endsProcess: false });
    void scene.upgrades.request({});

    await scene.bringUp('a');

    expect(scene.log).not.toContain('exit');
  });

  it('lets the successor live for the longest settle time of its servers, but no longer than half of the time-out', async () => {
    const scene = new Scene();
    scene.add('a', { settleMs: () => 3000 });
    scene.add('b', { settleMs: () => 20_000 });
    scene.upgrades.request({ timeout: 10 }).catch(() => undefined);
    scene.hear(...['a', 'b'].map((alias): ToPredecessor => ({ type: 'ready', server: { alias, ordinal: 1 } })));

    scene.clock.advance(4999);
    await turn();
    expect(scene.log).toEqual([]);
    scene.clock.advance(1);

    expect(scene.log).toEqual(['go']);
  });

  it('ends a successor whose predecessor ends first, and no longer when it has the service', async () => {
    const scene = new Scene();
    scene.add('a');
    void scene.upgrades.request({});
    scene.process.emit('exit');
    expect(scene.log.splice(0)).toEqual(['kill']);
    const other = new Scene();
    const committed = deferred();
    other.add('a', { handOver: () => committed.promise });
    void other.upgrades.request({});
    await other.bringUp('a');

    other.process.emit('exit');

    expect(other.log).toEqual(['go', 'confirm']);
  });

  it('comes to nothing when a server is shut down meanwhile, and may be called again after a failure', async () => {
    const scene = new Scene();
    scene.add('a');
    const first = scene.upgrades.request({});
    scene.upgrades.abandon();
    await expect(first).rejects.toMatchObject({ code: 'ERR_PREFORK_STATE', message: expect.stringContaining('shut down') as string });
    expect(scene.log.splice(0)).toEqual(['abort']);
    const { ended } = scene.upgrades;
    scene.upgrades.kill();
    expect(scene.log.splice(0)).toEqual(['kill']);
    scene.started.at(-1)?.events.exited({ code: null, signal: 'SIGKILL' });
    await ended;
    expect(scene.process.listenerCount('exit')).toBe(0);
    const second = scene.upgrades.request({});
    scene.started.at(-1)?.events.exited({ code: 3, signal: null });
    await expect(second).rejects.toMatchObject({ code: 'ERR_PREFORK_UPGRADE', reason: 'boot' });
    await expect(second).rejects.not.toHaveProperty('cause');

    const third = scene.upgrades.request({});
    await scene.bringUp('a');

    await expect(third).resolves.toEqual({ pid: 200 });
  });

  it.each<[string, Partial<UpgradesParts['process']>, (scene: Scene) => void, object, RegExp]>([
    ['in process 1', { pid: 1 }, (scene) => { scene.add('a'); }, {}, /this process has pid 1, so the container would end with it/],
    ['of a program from standard input', { execArgv: [] }, (scene) => { scene.add('a', { program: { script: '', directory: '.' } }); }, {}, /came from standard input/],
    ['while a server cannot', {}, (scene) => { scene.add('a'); scene.add('b', { objection: () => 'reloads: wait for its end.' }); }, {}, /every server of this program, and 'b' reloads: wait for its end\./],
    ['during another one', {}, (scene) => { scene.add('a'); scene.upgrades.request({}).catch(() => undefined); }, {}, /during another upgrade/],
  ])('is refused %s', async (_title, process, prepare, options, message) => {
    const scene = new Scene(process);
    prepare(scene);
    const before = scene.started.length;

    await expect(scene.upgrades.request(options)).rejects.toMatchObject({ code: 'ERR_PREFORK_STATE', message: expect.stringMatching(message) as string });

    expect(scene.started).toHaveLength(before);
  });

  it('is refused under a process 1 that may end with this one', async () => {
    const scene = new Scene({}, 'tini');
    scene.add('a');

    await expect(scene.upgrades.request({})).rejects.toMatchObject({
      code: 'ERR_PREFORK_STATE', message: expect.stringMatching(/the parent of this process is process 1, tini, so a container may end when it does/) as string,
    });
  });
});
