import { mkdtempSync, rmSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { WORKER_CONDITION } from '../../src/mark.js';
import { withMaster } from '../support/master-process.js';
import type { MasterSetup } from '../support/master-process.js';
import { sendSignal } from '../support/processes.js';
import { program, ONE, QUICK, TWO, withServer } from '../support/with-server.js';

describe('the program that workers run', () => {
  it.each([
    ['ES module', 'std.mjs', []],
    ['CommonJS', 'std.cjs', []],
    ['TypeScript through a loader', 'std-typed.ts', ['--import', 'tsx']],
  ])('may be %s', async (_title, file, execArgv) => {
    await withMaster({ program: file, execArgv, options: TWO }, async (master) => {
      await master.ready(2);
      const client = await master.join();

      expect(client.pid).not.toBe(master.pid);
      await client.echo('served');
      await client.quit();
      master.signal('SIGTERM');

      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.stderr).toEqual([]);
    });
  });

  it('is the file that Script names, and then the main script is not run again', async () => {
    await withMaster({ program: 'separate-master.mjs', options: TWO }, async (master) => {
      await master.ready(2);
      const client = await master.join();

      await client.echo('served');
      expect(master.all('separate-master ran')).toHaveLength(1);
    });
  });

  it('gets the arguments, node arguments and environment that the options name, and the library without the master', async () => {
    await withServer({
      ...ONE,
      program: 'process-facts.mjs',
      ScriptArgs: ['{}', 'one', 'two words'],
      ExecArgv: ['--stack-trace-limit=7'],
      Env: { ...process.env, PREFORK_TEST: 'given' },
    }, async (running) => {
      const client = await running.join();
      client.send('facts\n');

      expect(JSON.parse(await client.readLine())).toEqual({
        argv: ['{}', 'one', 'two words'], execArgv: ['--stack-trace-limit=7'], variable: 'given', library: 'in-worker.js',
      });
    });
  });

  it('stays although its program does not wait for the channel to its master', async () => {
    await withMaster({ program: 'process-facts.mjs', options: { ...ONE, std: { unref: true } } }, async (master) => {
      const client = await master.join();

      client.send('facts\n');
      await client.readLine();

      expect(master.born).toHaveLength(1);
    });
  });

  it('cannot be a master when it was started as workers are, and the error says what to do', async () => {
    await withMaster({ execArgv: [WORKER_CONDITION], options: ONE }, async (master) => {
      await master.line(/not a worker of a pool.*--conditions=prefork-tcp-server-worker.*start it without/, 'stderr');

      expect(await master.over()).toEqual({ code: 1, signal: null });
    });
  });

  it.each([['since', 'folder'], ['before it made the server', 'firstFolder']])('is found, with what it loads before, although the master has changed its folder %s', async (_when, name) => {
    const args = ['test/programs/process-facts.mjs', JSON.stringify({ Address: '127.0.0.1', Port: 0, ...ONE, std: { [name]: '/' } })];
    await withMaster({ execArgv: ['--import', './test/programs/preload.mjs'], args }, async (master) => {
      const first = await master.join();
      sendSignal(first.pid, 'SIGKILL');
      await first.expectOver();
      const client = await master.join();

      client.send('facts\n');

      expect(JSON.parse(await client.readLine())).toMatchObject({ preloaded: true });
    });
  });

  it.runIf('getCompileCacheDir' in module)('uses the compile cache that the master has switched on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-cache-'));
    try {
      await withMaster({ program: 'process-facts.mjs', options: { ...ONE, std: { compileCache: folder } } }, async (master) => {
        const client = await master.join();
        client.send('facts\n');

        const { compileCache } = JSON.parse(await client.readLine()) as { compileCache: string };
        expect(dirname(compileCache)).toBe(folder);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does not inherit the inspector port of the master', async () => {
    await withMaster({ program: 'process-facts.mjs', execArgv: ['--inspect=0', '--stack-trace-limit=7'], options: ONE }, async (master) => {
      const client = await master.join();
      client.send('facts\n');

      expect(JSON.parse(await client.readLine())).toMatchObject({ execArgv: ['--stack-trace-limit=7'] });
    });
  });

  const server = (options: string): string => `
    const { PreforkTcpServer } = require('prefork-tcp-server');
    try {
      const server = new PreforkTcpServer({ Address: '127.0.0.1', MaxServer: 1, ClientInput() {}, ${options} });
      if (server.isMaster) server.ready().then(() => { console.log('port ' + server.address().port); });
    } catch (error) {
      console.log('failed', error.code, error.message);
    }
  `.replaceAll('\n', ' ');

  const withoutMainScript: [string, (text: string) => MasterSetup][] = [
    ['node -e', (text) => ({ args: ['-e', text] })],
    ['node --eval=', (text) => ({ args: [`--eval=${text}`] })],
    ['node -p', (text) => ({ args: ['-p', text] })],
    ['standard input', (text) => ({ args: [], stdin: text })],
    ['standard input named -', (text) => ({ args: ['-'], stdin: text })],
    ['the REPL', (text) => ({ args: ['-i'], stdin: `${text}\n` })],
  ];

  it.each(withoutMainScript)('has to be named by Script where there is no main script: %s', async (_title, how) => {
    await withMaster(how(server('')), async (master) => {
      const line = await master.line(/failed|port/);

      expect(line).toMatch(/failed ERR_PREFORK_OPTION .*Script/);
      await master.over();
    });
  });

  // Not the REPL: it ends with its input.
  it.each(withoutMainScript.slice(0, -1))('may be given by Script where there is no main script: %s', async (_title, how) => {
    const script = JSON.stringify(fileURLToPath(program('std.mjs')));
    await withMaster(how(server(`Script: ${script}, ScriptArgs: []`)), async (master) => {
      const line = await master.line(/failed|port/);
      expect(line).toMatch(/port \d+/);

      const client = await master.join(Number(line.slice('port '.length)));
      await client.echo('served by the script');
      await client.quit();
      master.signal('SIGTERM');

      expect(await master.over()).toEqual({ code: 0, signal: null });
    });
  });
});

describe('the environment of a worker', () => {
  it('has no mark, so that processes it starts are ordinary ones', async () => {
    await withServer({ ...ONE, program: 'environment.mjs' }, async (running) => {
      const client = await running.join();

      client.send('mark\n');
      await client.expect('mark undefined\r\n');
      client.send('child\n');
      await client.expect('mark undefined channel undefined master true\r\n');
    });
  });
});

describe('ServerStarted and ServerStopped', () => {
  it('run in each worker before its first client and after its last', async () => {
    await withMaster({ program: 'log.mjs', options: ONE }, async (master) => {
      const client = await master.join();
      await client.quit();
      master.signal('SIGTERM');
      expect(await master.over()).toEqual({ code: 0, signal: null });

      const log = master.all('log');
      const told = { pid: client.pid, told: client.pid, alias: 'prefork_server' };
      expect(log[0]).toMatchObject({ callback: 'Started', ...told });
      expect(log[1]).toMatchObject({ callback: 'Connected' });
      expect(log.at(-2)).toMatchObject({ callback: 'Disconnected' });
      expect(log.at(-1)).toMatchObject({ callback: 'Stopped', ...told });
    });
  });
});

describe('an error in a callback', () => {
  it.each([
    ['a throw', 'die', 'died as asked', 'Error'],
    ['a rejection', 'reject', 'rejected as asked', 'Error'],
    ['a throw of something that is not an Error', 'throw nothing', 'undefined', 'PreforkError'],
  ])('ends only that client and is reported once: %s', async (_title, line, message, name) => {
    await withMaster({ program: 'log.mjs', options: ONE }, async (master) => {
      const other = await master.join();
      const client = await master.join();

      client.send(`${line}\n`);

      await client.expectOver();
      client.close();
      await other.echo('untouched');
      master.signal('SIGTERM');
      other.close();
      expect(await master.over()).toEqual({ code: 0, signal: null });

      const calls = master.all('log').filter((entry) => entry['client'] === 2 && entry['callback'] !== 'Flushed');
      expect(calls).toMatchObject([
        { callback: 'Connected' },
        { callback: 'Input', input: line },
        { callback: 'Error', operation: 'callback', errno: 0, error: { name } },
        { callback: 'Disconnected', gotAnError: true },
      ]);
      expect((calls[2] as unknown as { errstr: string }).errstr).toContain(message);
      const reports = master.all('worker:error');
      expect(reports).toMatchObject([{ pid: client.pid, where: 'ClientInput' }]);
      expect(reports[0]?.error.message).toContain(message);
    });
  });

  it('outside any callback of a client costs that worker only, which is replaced', async () => {
    await withMaster({ program: 'uncaught.mjs', options: { ...TWO, MaxSessionPerServer: 1 } }, async (master) => {
      await master.ready(2);
      const client = await master.join();
      const other = await master.join();

      client.send('uncaught\n');

      await client.expectOver();
      await master.event('worker:exit', ({ pid, reason }) => pid === client.pid && reason === 'crashed');
      await master.line(/thrown outside/, 'stderr');
      await other.echo('untouched');
      await master.ready(2);
    });
  });
});

describe('stdout and stderr of workers', () => {
  it('reach those of the master as they are', async () => {
    await withMaster({ program: 'printer.mjs', options: TWO }, async (master) => {
      const client = await master.join();

      client.send('hello\n');
      await client.expect('printed\r\n');

      await master.line(/^out hello$/);
      await master.line(/^err hello$/, 'stderr');
      expect(master.stderr).toEqual(['err hello']);
    });
  });
});

describe('messages of the user on the channel between master and worker', () => {
  it('disturb no client', async () => {
    await withServer({ ...TWO, ...QUICK, program: 'chatter.mjs' }, async (running) => {
      await running.settled(2);
      await running.heartbeats();

      const client = await running.join();
      await client.echo('served');
      expect(running.eventsOf('worker:drain')).toEqual([]);
      expect(running.eventsOf('worker:error')).toEqual([]);
    });
  });
});

describe('shutdown() in a worker', () => {
  it('drains that worker, which is replaced', async () => {
    await withServer({ ...ONE, program: 'worker-shutdown.mjs', MasterHeartBeatTime: 60 }, async (running) => {
      const client = await running.join();

      client.send('leave\n');
      await client.expect('leaving\r\n');
      await running.event('worker:drain', ({ pid, reason }) => pid === client.pid && reason === 'asked');
      await client.echo('still here');
      const next = await running.join();
      await client.quit();

      expect(next.pid).not.toBe(client.pid);
      expect((await running.exit(client.pid)).detail).toMatchObject({ code: 0, reason: 'asked' });
    });
  });
});

it('a program that does something else in a worker runs it there too, once for each', async () => {
  await withMaster({ args: [fileURLToPath(program('roles.mjs'))] }, async (master) => {
    await master.ready(2);

    const roles = await master.until(() => (master.all('role').length === 3 ? master.all('role') : undefined), () => 'three roles');
    expect(roles.map(({ isMaster, isWorker }) => ({ isMaster, isWorker }))).toEqual([
      { isMaster: true, isWorker: false }, { isMaster: false, isWorker: true }, { isMaster: false, isWorker: true },
    ]);
  });
});
