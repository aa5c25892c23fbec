import { describe, expect, it } from 'vitest';
import { preloadsFrom } from '../../src/master/preloads.js';
import { workerCommand } from '../../src/master/worker-command.js';

describe("Node's arguments of this process for workers in another folder", () => {
  it.each([
    [['--import', './hook.mjs'], ['--import', '/srv/hook.mjs']],
    [['--import=../hook.mjs'], ['--import=/hook.mjs']],
    [['-r', './a.cjs', '--require=./b.cjs'], ['-r', '/srv/a.cjs', '--require=/srv/b.cjs']],
    [['--experimental-loader', './loader.mjs'], ['--experimental-loader', '/srv/loader.mjs']],
    [['--env-file=.env', '--env-file', 'x.env'], ['--env-file=/srv/.env', '--env-file', '/srv/x.env']],
    [['--import=./a=b.mjs'], ['--import=/srv/a=b.mjs']],
  ])('name what they named here: %j', (args, expected) => {
    expect(preloadsFrom('/srv', args)).toEqual(expected);
  });

  it.each([[['--import', 'tsx']], [['-r', '/abs/a.cjs']], [['--max-old-space-size=100', '--conditions', './x']], [['--env-file=/etc/x']], [['--import', 'data:text/javascript,1']]])('stay as they are where they name no path of this folder: %j', (args) => {
    expect(preloadsFrom('/srv', args)).toEqual(args);
  });

  it('include those of NODE_OPTIONS that Env passes on, and none that the options give', () => {
    const given = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = '--require ./a.cjs';
    try {
      const inherited = workerCommand({ args: [], execArgv: ['--import', './own.mjs'], env: { ...process.env } }, '/srv');
      const own = workerCommand({ args: [], execArgv: [], env: { NODE_OPTIONS: '--require ./own.cjs' } }, '/srv');

      expect(inherited).toMatchObject({ execArgv: ['--import', './own.mjs'], env: { NODE_OPTIONS: '--require /srv/a.cjs' } });
      expect(own.env['NODE_OPTIONS']).toBe('--require ./own.cjs');
    } finally {
      if (given === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = given;
    }
  });
});
