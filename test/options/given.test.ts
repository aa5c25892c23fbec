import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compareGiven, givenOptions } from '../../src/options/given.js';

const [one, two] = ['/releases/1/server.js', '/releases/2/server.js'];

describe('what two releases of a script give', () => {
  it.each<[string, (folder: string) => object]>([
    ['by URL', (folder) => ({ Script: pathToFileURL(join(folder, 'worker.js')), Directory: pathToFileURL(`${folder}/`) })],
    ['by path', (folder) => ({ Script: join(folder, 'worker.js'), Directory: folder })],
    ['by the text of a URL', (folder) => ({ Script: pathToFileURL(join(folder, 'worker.js')).href })],
  ])('is the same if it names the places beside it %s', (_title, options) => {
    expect(compareGiven(givenOptions(options('/releases/1'), one), givenOptions(options('/releases/2'), two))).toEqual({ pool: {}, master: [] });
  });

  it.each([
    ['another file beside it', { Script: '/releases/1/a.js' }, { Script: '/releases/2/b.js' }, ['Script']],
    ['another folder', { Directory: '/var/lib/a' }, { Directory: '/var/lib/b' }, ['Directory']],
    ['the folder of another release', { Directory: '/releases/1' }, { Directory: '/releases/1' }, ['Directory']],
    ['a port', { Port: 1 }, { Port: 2 }, ['Port']],
  ])('differs by %s', (_title, before, after, master) => {
    expect(compareGiven(givenOptions(before, one), givenOptions(after, two)).master).toEqual(master);
  });

  it('is the same if it names the folder above it', () => {
    const [before, after] = ['/releases/1', '/releases/2'].map((root) => givenOptions({ Directory: pathToFileURL(`${root}/`) }, `${root}/dist/server.js`));

    expect(compareGiven(before ?? {}, after ?? {}).master).toEqual([]);
  });

  it('knows the program without its links, as import.meta.url does', () => {
    const here = fileURLToPath(import.meta.url);

    expect(givenOptions({ Script: import.meta.url }, here)).toEqual({ Script: '"given.test.ts"' });
    expect(givenOptions({ Script: '/a/b.js' }, '/a/not-there')).toEqual({ Script: '"b.js"' });
  });
});
