import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Markdown } from '../support/markdown.js';
import { withMaster } from '../support/master-process.js';
import { poll } from '../support/wait.js';
import { QUICK, TWO, withServer } from '../support/with-server.js';

const guide = new Markdown('examples/README.md');

function codeOf(chapter: string): string {
  const block = guide.codeBlocks.find(({ heading, language }) => heading === chapter && language === 'js');
  if (block === undefined) throw new Error(`The chapter ${chapter} has no program.`);
  return block.code;
}

describe('the programs in examples/README.md', () => {
  it('reload a pool, as Releases has it', async () => {
    await withServer({ ...TWO, ...QUICK, ReloadSettleTime: 0.05 }, async ({ server }) => {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the program is a document's
      const program = new Function('server', `return (async () => { ${codeOf('Releases')}\nreturn { release, draining }; })();`) as (given: typeof server) => Promise<unknown>;

      expect(await program(server)).toMatchObject({ release: 2 });
    });
  });

  it('ban addresses that are written to a file, as Changing a running pool has it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prefork-documents-'));
    const [file, banned] = [join(folder, 'server.mjs'), join(folder, 'banned.txt')];
    writeFileSync(banned, '');
    writeFileSync(file, `
      import { PreforkTcpServer } from ${JSON.stringify(import.meta.resolve('prefork-tcp-server'))};
      const server = new PreforkTcpServer({ Address: '127.0.0.1', MaxServer: 1, ClientConnected({ heap }) { heap.client.put('welcome'); }, ClientInput: () => undefined });
      ${codeOf('Changing a running pool').replaceAll("'banned.txt'", JSON.stringify(banned)).replace('interval: 500', 'interval: 20')}
      if (server.isMaster) console.log('listening on port', server.address().port);`);
    try {
      await withMaster({ args: [file] }, async (master) => {
        const port = Number(/\d+$/.exec(await master.line(/listening on port/))?.[0]);
        const client = await master.connect(port);
        await client.expect('welcome\r\n');

        writeFileSync(banned, '192.0.2.0/24\n127.0.0.0/8\n');

        await poll(async () => {
          const next = await master.connect(port);
          const isWelcome = await next.hasInput();
          next.close();
          return !isWelcome;
        }, () => 'the address to be banned');
        client.close();
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
