// Loaded by `--import` in every process of a pool under test, before the user's program: it puts the test's options in the
// place of the program's own, says what happens, and does what the test wants to happen.
import { createConnection } from 'node:net';
import { builtIn } from '../built-ins.js';
import { installTestKit } from '../test-kit.js';
import { Faults } from './faults.js';
import { decode, JsonLine, type Asked, type HookSetup, type ToTest } from './line.js';
import { TestedOptions } from './tested-options.js';
import { observeServer } from './tested-server.js';

// Threads also load what their process was started with.
if (builtIn('node:worker_threads').isMainThread) open(decode(new URL(import.meta.url).searchParams.get('setup') ?? '{}') as HookSetup);

function open(setup: HookSetup): void {
  // If the test has gone, its reaper ends this process; until then that must not make it fail.
  const socket = createConnection({ host: '127.0.0.1', port: setup.port }).on('error', () => undefined);
  // It never keeps the process alive: a program ends when its own work is done.
  socket.unref();
  const faults = new Faults();
  const line = new JsonLine<Asked, ToTest>(socket, (asked) => { faults.perform(asked, line); });
  line.send({ type: 'hello', pid: process.pid, token: setup.token });
  const options = new TestedOptions(setup, process.execArgv);
  installTestKit({
    options: (given) => options.replace(given),
    observe(server) {
      const isMeant = options.isMeant(server.alias);
      line.send({ type: 'constructed', alias: server.alias, isMeant });
      if (!isMeant) return undefined;
      faults.serve(server);
      return observeServer(server, line);
    },
  });
}
