import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Authority } from '../support/certificates.js';
import { Markdown } from '../support/markdown.js';
import { withMaster } from '../support/master-process.js';
import { TcpClient } from '../support/tcp-client.js';
import { requireTool } from '../support/tools.js';
import { poll } from '../support/wait.js';
import { ONE, QUICK, TWO, withServer } from '../support/with-server.js';

const run = promisify(execFile);
const guide = new Markdown('examples/README.md');
const readme = new Markdown('README.md');
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function codeOf(chapter: string, document = guide): string {
  const block = document.codeBlocks.find(({ heading, language }) => heading === chapter && language === 'js');
  if (block === undefined) throw new Error(`The chapter ${chapter} has no program.`);
  return block.code;
}

// The master's own inspector and TypeScript through tsx are in worker.test.ts.
describe('the test that README has', () => {
  it('passes in vitest, with the server that README has', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-readme-'));
    try {
      mkdirSync(join(folder, 'node_modules'));
      for (const [name, target] of [['vitest', 'node_modules/vitest'], ['prefork-tcp-server', '.']] as const) symlinkSync(join(ROOT, target), join(folder, 'node_modules', name));
      writeFileSync(join(folder, 'server.mjs'), codeOf('Start', readme));
      // A loaded machine needs more time than a user's has to, and less to start.
      writeFileSync(join(folder, 'server.test.mjs'), codeOf('Testing', readme).replace("'./server.mjs'", "'./server.mjs', MaxServer: 2, Patience: 20"));
      const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder], { cwd: folder, env: { ...process.env, NO_COLOR: '1' }, timeout: 28_000 });

      expect(stdout).toMatch(/Tests +1 passed/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('what README says of debugging', () => {
  it('gives each worker a debugger at a port of its own', async () => {
    await withMaster({ options: { ...TWO, ExecArgv: ['--inspect=127.0.0.1:0'] } }, async (master) => {
      await master.ready(2);

      const ports = await master.until(() => {
        const found = master.stderr.map((line) => /^Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1]).filter((port) => port !== undefined);
        return found.length < 2 ? undefined : found;
      }, () => 'two debuggers');
      expect(new Set(ports).size).toBe(2);
    });
  });

  it('prints each order and fact between master and workers on both ends', async () => {
    await withMaster({ options: ONE, env: { NODE_DEBUG: 'prefork' } }, async (master) => {
      const [pid = 0] = await master.ready(1);

      await master.line(new RegExp(`^PREFORK ${master.pid}: worker ${pid}: hears {"type":"ready"`), 'stderr');
      await master.line(new RegExp(`^PREFORK ${pid}: worker ${pid}: sends {"type":"ready"`), 'stderr');
      await master.line(new RegExp(`^PREFORK ${master.pid}: worker ${pid}: sends {"type":"welcome"`), 'stderr');
      await master.line(new RegExp(`^PREFORK ${pid}: worker ${pid}: hears {"type":"welcome"`), 'stderr');
    });
  });
});

describe('the programs in examples/README.md', () => {
  it('reload a pool, as Releases has it', async () => {
    await withServer({ ...TWO, ...QUICK, ReloadSettleTime: 0.05 }, async ({ server }) => {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the program is a document's
      const program = new Function('server', `return (async () => { ${codeOf('Releases')}\nreturn { release, draining }; })();`) as (given: typeof server) => Promise<unknown>;

      expect(await program(server)).toMatchObject({ release: 2 });
    });
  });

  it.runIf(requireTool('openssl'))('begin in the clear and go on with TLS, as TLS has it', async () => {
    const authority = new Authority();
    const { root: { cert, key }, folder } = authority;
    const file = join(folder, 'server.mjs');
    writeFileSync(file, `
      import { PreforkTcpServer } from ${JSON.stringify(import.meta.resolve('prefork-tcp-server'))};
      const [cert, key] = ${JSON.stringify([cert, key])};
      ${codeOf('TLS')}
      const server = new PreforkTcpServer({ Address: '127.0.0.1', MaxServer: 1, ClientPreConnect, ClientInput({ heap, input }) { heap.client.put('you said ' + input); } });
      if (server.isMaster) server.ready().then(() => console.log('listening on port', server.address().port));`);
    try {
      await withMaster({ args: [file] }, async (master) => {
        const port = Number(/\d+$/.exec(await master.line(/listening on port/))?.[0]);
        const [client, sly] = [await master.connect(port), await master.connect(port)];
        for (const each of [client, sly]) await each.expect('220 ready\r\n');

        sly.send('STARTTLS\r\nin the clear\r\n');
        await sly.expectOver();
        client.send('STARTTLS\r\n');
        await client.expect('220 go ahead\r\n');
        client.socket.removeAllListeners('data');
        const secure = new TcpClient(connect({ socket: client.socket, ca: cert, checkServerIdentity: () => undefined }));
        secure.send('hello\n');

        await secure.expect('you said hello\r\n');
        secure.close();
      });
    } finally {
      authority.remove();
    }
  });

  it('ban addresses that are written to a file, whose clients end, as Changing a running pool has it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-documents-'));
    const [file, banned] = [join(folder, 'server.mjs'), join(folder, 'banned.txt')];
    // In one step: of a file that is just being written, nothing may be read, and that is a list, too.
    const write = (text: string): void => {
      writeFileSync(`${banned}.new`, text);
      renameSync(`${banned}.new`, banned);
    };
    write('');
    writeFileSync(file, `
      import { PreforkTcpServer } from ${JSON.stringify(import.meta.resolve('prefork-tcp-server'))};
      const server = new PreforkTcpServer({ Address: '127.0.0.1', MaxServer: 1, 
        ClientConnected({ heap }) { inside.add(heap); heap.client.put('welcome'); },
        ClientInput: () => undefined,
        ClientDisconnected({ heap }) { inside.delete(heap); console.log('gone'); },
      });
      ${codeOf('Changing a running pool').replaceAll("'banned.txt'", JSON.stringify(banned)).replace('interval: 500', 'interval: 20')}
      if (server.isMaster) console.log('listening on port', server.address().port);`);
    try {
      await withMaster({ args: [file] }, async (master) => {
        const port = Number(/\d+$/.exec(await master.line(/listening on port/))?.[0]);
        const client = await master.connect(port);
        await client.expect('welcome\r\n');
        const isWelcome = async (): Promise<boolean> => {
          const next = await master.connect(port);
          const isIn = await next.hasInput();
          next.close();
          return isIn;
        };

        write('192.0.2.0/24\n127.0.0.1\n');

        await poll(async () => !await isWelcome(), () => 'the address to be banned');
        await client.expectOver();
        await master.line(/^gone$/);

        write('127.0.0.1\nnonsense\n');
        await master.until(() => master.stderr.find((line) => line.includes('BlockList has "nonsense"')), () => 'what is wrong with the list');
        expect(await isWelcome()).toBe(false);

        write('');
        await poll(isWelcome, () => 'the address to be let in again');
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
