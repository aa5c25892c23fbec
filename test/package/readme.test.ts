import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import * as api from '../../src/index.js';
import { DRAIN_REASONS, EXIT_REASONS, PAUSE_REASONS } from '../../src/policy/reasons.js';
import { CHANGEABLE_CHECKS, CHECKS } from '../../src/options/table.js';

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
const readme = await read('README.md');

/** Names in backquotes in the first column of the tables. */
const listed = new Set(readme.split('\n').filter((line) => line.startsWith('|'))
  .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')));

/** Members of a union or keys of an interface in a source file, by a pattern with one group. */
async function namesIn(file: string, pattern: RegExp): Promise<string[]> {
  return [...(await read(file)).matchAll(pattern)].map(([, name]) => name ?? '');
}

describe('the README', () => {
  it('lists every option', () => {
    // These two are refused, which the table of differences says.
    const options = Object.keys(CHECKS).filter((name) => name !== 'SessionType' && name !== 'SessionParams');

    expect(options.filter((name) => !listed.has(name))).toEqual([]);
  });

  it('marks exactly the options that configure() takes', () => {
    const marked = readme.split('\n').flatMap((line) => [...line.matchAll(/^\| `(\w+)` ◆/g)].map(([, name]) => name ?? ''));

    expect(marked.toSorted()).toEqual(Object.keys(CHANGEABLE_CHECKS).toSorted());
  });

  it('lists every error code', async () => {
    const codes = await namesIn('src/errors.ts', /'(ERR_PREFORK_\w+)' \/\//g);

    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !listed.has(code))).toEqual([]);
  });

  it('lists every event', async () => {
    const [, block = ''] = /interface ServerEvents \{([^]*?)\n\}/.exec(await read('src/status.ts')) ?? [];
    const events = [...block.matchAll(/^ {2}'?([a-z:]+)'?: \[/gm)].map(([, name]) => name ?? '');

    expect(events.length).toBeGreaterThan(5);
    expect(events.filter((event) => !listed.has(event))).toEqual([]);
  });

  it('names every reason for a drain, an exit and a pause', () => {
    const reasons = [...Object.keys(DRAIN_REASONS), ...EXIT_REASONS, ...Object.keys(PAUSE_REASONS)];

    expect(reasons.filter((reason) => !readme.includes(`'${reason}'`))).toEqual([]);
  });

  it('names files that are there', () => {
    const paths = [...readme.matchAll(/`((?:src|test|examples|\.ci)\/[\w./-]+|eslint\.config\.js)`/g)].map(([, path]) => path ?? '');

    expect(paths.length).toBeGreaterThan(15);
    expect(paths.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
  });

  it('names scripts that are there', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Readonly<Record<string, string>> };

    expect([...readme.matchAll(/`npm run ([\w:]+)/g)].map(([, name]) => name ?? '').filter((name) => !(name in scripts))).toEqual([]);
  });

  it('lists every filter', () => {
    const filters = Object.keys(api).filter((name) => name.endsWith('Filter'));

    expect(filters).toHaveLength(11);
    expect(filters.filter((name) => !listed.has(name))).toEqual([]);
  });

  it('names every member of the server object', () => {
    const members = Object.getOwnPropertyNames(api.PreforkTcpServer.prototype).filter((name) => name !== 'constructor');

    expect(members.filter((name) => !readme.includes(`\`${name}`))).toEqual([]);
  });
});
