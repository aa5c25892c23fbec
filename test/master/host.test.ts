import { describe, expect, it } from 'vitest';
import { executableProblems } from '../../src/options/contradictions.js';
import { checkHost } from '../../src/master/host.js';

const OPTIONS = { script: '/app/server.js', hasOwnScript: false, admin: undefined, watch: undefined };
const NODE = { bun: undefined, isClusterWorker: false };

describe('the host of a pool', () => {
  it('may be an ordinary process of Node', () => {
    expect(() => { checkHost(OPTIONS, NODE); }).not.toThrow();
  });

  it('cannot be Bun, Script or not', () => {
    for (const hasOwnScript of [false, true]) {
      expect(() => { checkHost({ ...OPTIONS, hasOwnScript }, { ...NODE, bun: '1.4.5' }); }).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_STATE', message: expect.stringMatching(/Bun 1\.4\.5.*Node\.js 20/) as string }));
    }
  });

  it('can be a worker of node:cluster with Script only', () => {
    expect(() => { checkHost(OPTIONS, { ...NODE, isClusterWorker: true }); }).toThrow(/\/app\/server\.js.*give Script/);
    expect(() => { checkHost({ ...OPTIONS, hasOwnScript: true }, { ...NODE, isClusterWorker: true }); }).not.toThrow();
  });
});

describe('a single executable application', () => {
  it('is refused what Node would take for its arguments', () => {
    const serve = (): void => undefined;
    expect(executableProblems({ ClientInput: serve })).toEqual([]);
    expect(executableProblems({ ClientInput: serve, Script: './server.js', ExecArgv: ['--inspect'] })).toEqual([
      expect.stringMatching(/^Script is not used in a single executable application/), expect.stringMatching(/^ExecArgv .*NODE_OPTIONS/),
    ]);
  });
});
