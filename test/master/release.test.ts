import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pinRelease, releaseSource } from '../../src/master/release.js';

describe('a release', () => {
  let root = '';
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'prefork-release-')));
    for (const name of ['one', 'two']) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'server.js'), name);
    }
    symlinkSync(join(root, 'one'), join(root, 'current'));
  });
  afterAll(() => { rmSync(root, { recursive: true }); });
  beforeEach(() => { lead('one'); });
  const lead = (to: string): void => {
    unlinkSync(join(root, 'current'));
    symlinkSync(join(root, to), join(root, 'current'));
  };
  const ELSEWHERE = { physical: '/', logical: '/' };
  const inCurrent = (): { physical: string; logical: string } => ({ physical: join(root, 'one'), logical: join(root, 'current') });

  it.each([
    ['named by a link', () => releaseSource({ script: join(root, 'current/server.js'), directory: join(root, 'current') }, { folder: ELSEWHERE, program: ELSEWHERE })],
    ['of the folder that the shell came to by a link', () => releaseSource({ script: join(root, 'one/server.js'), directory: undefined }, { folder: inCurrent(), program: ELSEWHERE })],
    ['beside a main script that was named by a link', () => releaseSource({ script: join(root, 'one/server.js'), directory: join(root, 'current') }, { folder: ELSEWHERE, program: inCurrent() })],
    ['and a folder that know only where the link led', () => releaseSource({ script: join(root, 'one/server.js'), directory: join(root, 'one') }, { folder: ELSEWHERE, program: inCurrent() })],
    ['named relative to the folder', () => releaseSource({ script: 'server.js', directory: '.' }, { folder: inCurrent(), program: ELSEWHERE })],
  ])('of a script %s stays what it was when the link leads elsewhere, and the next one follows it', (_title, makeSource) => {
    const source = makeSource();
    const first = pinRelease(1, source);

    lead('two');
    const second = pinRelease(2, source);

    expect(first).toMatchObject({ number: 1, script: join(root, 'one/server.js'), directory: join(root, 'one') });
    expect(second).toMatchObject({ number: 2, script: join(root, 'two/server.js'), directory: join(root, 'two') });
    expect(first.isMixed()).toBe(false);
  });

  it('takes what lies beside the folder of the main script through the link above it', () => {
    for (const name of ['one', 'two']) mkdirSync(join(root, name, 'dist'), { recursive: true });
    const program = { physical: join(root, 'one/dist'), logical: join(root, 'current/dist') };

    const source = releaseSource({ script: join(root, 'one/server.js'), directory: join(root, 'one') }, { folder: ELSEWHERE, program });
    lead('two');

    expect(pinRelease(2, source)).toMatchObject({ script: join(root, 'two/server.js'), directory: join(root, 'two') });
  });

  it('says when its script was overwritten in place', () => {
    const release = pinRelease(1, { script: join(root, 'two/server.js'), directory: root });

    writeFileSync(join(root, 'two/server.js'), 'other code');

    expect(release.isMixed()).toBe(true);
  });

  it('may have a script that Node completes by itself', () => {
    expect(pinRelease(1, { script: join(root, 'current/server'), directory: root }).script).toBe(join(root, 'one/server'));
  });

  it('may have such a script in the root folder, as containers have it', () => {
    expect(pinRelease(1, { script: '/no-such-server', directory: root }).script).toBe('/no-such-server');
  });

  it.each([
    ['its folder is not there', 'gone', 'one/server.js', /gone, the folder that workers run in, is not there: make it/],
    ['its folder is a file', 'one/server.js', 'one/server.js', /server\.js, the folder that workers run in, is not a folder/],
    ['the folder of its script is not there', 'one', 'gone/server', /gone, the folder of the script, is not there/],
  ])('is refused if %s', (_title, directory, script, message) => {
    expect(() => pinRelease(1, { script: join(root, script), directory: join(root, directory) })).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_WORKER_BOOT', message: expect.stringMatching(message) as string,
    }));
  });
});
