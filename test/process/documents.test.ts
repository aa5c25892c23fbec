import { describe, expect, it } from 'vitest';
import { Markdown } from '../support/markdown.js';
import { QUICK, TWO, withServer } from '../support/with-server.js';

const guide = new Markdown('examples/README.md');

describe('the programs in examples/README.md', () => {
  it('reload a pool, as Releases has it', async () => {
    const [block] = guide.codeBlocks.filter(({ heading, language }) => heading === 'Releases' && language === 'js');
    await withServer({ ...TWO, ...QUICK, ReloadSettleTime: 0.05 }, async ({ server }) => {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the program is a document's
      const program = new Function('server', `return (async () => { ${block?.code}\nreturn { release, draining }; })();`) as (given: typeof server) => Promise<unknown>;

      expect(await program(server)).toMatchObject({ release: 2 });
    });
  });
});
