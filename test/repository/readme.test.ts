import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as api from '../../src/index.js';
import { resolveOptions } from '../../src/options/resolve.js';
import { CHANGEABLE_CHECKS, CHECKS } from '../../src/options/table.js';
import { DRAIN_REASONS, EXIT_REASONS, PAUSE_REASONS } from '../../src/policy/reasons.js';
import { anchorOf, Markdown, namesIn, wordsIn } from '../support/markdown.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const source = (name: string): string => readFileSync(join(ROOT, 'src', name), 'utf8');
const DOCUMENTS = ['README.md', 'examples/README.md'] as const;
const readme = new Markdown('README.md');
const guide = new Markdown('examples/README.md');

/** The names of the members that an interface has itself. */
function membersOf(file: string, name: string): string[] {
  const [, block] = new RegExp(`^export interface ${name}\\b.*\\{\\n([^]*?)^\\}`, 'm').exec(source(file)) ?? [];
  if (block === undefined) throw new Error(`${file} has no interface ${name}`);
  return [...new Set([...block.matchAll(/^ {2}(?:readonly )?'?([\w:]+)'?[?]?[(:<]/gm)].map(([, member = '']) => member))];
}

/** The interfaces of the contexts that callbacks get, by the callback's name. */
const CONTEXTS = new Map([...source('options/options.ts').matchAll(/^ {2}(\w+)\?: \(\((?:context: (\w+)(?:<.*>)?)?\) =>/gm)]
  .map(([, name = '', context]) => [name, context] as const).filter(([name]) => name !== 'Heap'));

/** A callback's own arguments: all that its context adds to heap, kernel and session. */
const ownArguments = (context: string | undefined): string[] => {
  const own = context === undefined ? [] : membersOf(context === 'Context' ? 'kernel.ts' : 'callbacks.ts', context);
  const [, parent] = context === undefined ? [] : new RegExp(`interface ${context}.* extends (\\w+)<`).exec(source('callbacks.ts')) ?? [];
  return parent === undefined || parent === 'Context' ? own : [...ownArguments(parent), ...own];
};

const sorted = (names: Iterable<string>): string[] => [...names].toSorted();
const expectSame = (listed: Iterable<string>, inCode: Iterable<string>): void => {
  expect(sorted(listed)).toEqual(sorted(inCode));
};

describe('the README', () => {
  it('says in at most 2,200 words what is not in its tables, whose rows are short', () => {
    expect(wordsIn(readme.prose.replace(/^\|.*$/gm, ''))).toBeLessThanOrEqual(2200);
    const rows = readme.headings.flatMap((heading) => readme.rows(heading)).map((row) => row.join(' '));
    expect(rows.filter((row) => wordsIn(row) > 45)).toEqual([]);
  });

  it('has every chapter in its contents', () => {
    const contents = readme.text.slice(0, readme.text.indexOf('\n## '));
    const chapters = [...readme.prose.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);

    expect(chapters.filter((heading) => !contents.includes(`](#${anchorOf(heading)})`))).toEqual([]);
  });

  it('lists every option, and marks exactly those that configure() takes', () => {
    // These two are refused, which the table of differences says.
    const options = Object.keys(CHECKS).filter((name) => name !== 'SessionType' && name !== 'SessionParams');
    const callbacks = readme.listed('Callbacks');
    const listed = readme.listed('Options');

    expectSame([...listed, ...callbacks], options);
    expectSame(readme.rows('Options').filter(([first = '']) => first.includes('◆')).flatMap(([first = '']) => namesIn(first)), Object.keys(CHANGEABLE_CHECKS));
  });

  it('has the defaults of the code', () => {
    const given = { ClientInput: () => undefined, Script: '/server.mjs' };
    const { pool, worker, listen, client, process } = resolveOptions(given, 'worker');
    const units = { MiB: 2 ** 20 };
    const defaults = new Map(readme.rows('Options').flatMap(([first = '', cell = '']) => {
      const values = cell.split(', ').map((value) => (value.endsWith(" MiB") ? parseInt(value) * units.MiB : value.replace(/: off$/, '').replaceAll(/[`']/g, '')));
      return namesIn(first).map((name, index) => [name, String(values[index] ?? values[0])] as const);
    }));
    const inCode: Readonly<Record<string, unknown>> = {
      MaxServer: pool.maxWorkers, MaxServerLifeTime: pool.maxLifeMs, MaxServerSpareTime: pool.maxIdleMs, MaxServerMemory: pool.maxRss, MaxSession: pool.maxPoolClients,
      MaxSessionPerServer: worker.maxClients ?? 0, MaxServerLifeTimes: worker.maxServed ?? 0, Concurrency: worker.concurrency ?? -1,
      MasterHeartBeatTime: pool.heartbeatMs / 1000, ReloadSettleTime: pool.settleMs / 1000, ShutdownDelay: pool.shutdownDelayMs / 1000,
      ShutdownChildren: process.endsWorkers, HandleSignals: process.handlesSignals, Notify: process.notifies, Alias: process.alias, MasterAlias: process.masterAlias,
      Port: 0, Backlog: listen.backlog, NoDelay: client.noDelay, KeepAlive: client.keepAlive, MaxSessionPerAddress: client.mostPerAddress,
      HighMark: client.marks.high, MaxOutput: client.maxOutput, ClientTimeout: client.idleMs, ClientPreConnectTimeout: client.preConnectMs / 1000, ClientShutdownOnError: client.shutdownOnError,
    };

    expect(Object.entries(inCode).map(([name]) => [name, defaults.get(name)])).toEqual(Object.entries(inCode).map(([name, value]) => [name, String(value)]));
  });

  it('recommends options that the constructor takes', () => {
    const sets = readme.rows('Which numbers do I set?').map(([, cell = '']) => /^`(.*)`$/.exec(cell)?.[1] ?? '');

    expect(sets).toHaveLength(3);
    for (const set of sets) resolveOptions({ ...runInNewContext(`(${set})`) as object, Script: '/server.mjs', ClientInput: () => undefined }, 'worker');
  });

  it('lists every callback with its own arguments', () => {
    const listed = new Map(readme.rows('Callbacks').flatMap(([first = '', , last = '']) => namesIn(first).map((name) => [name, namesIn(last.replace(/\([^`]*?\)|returns.*/g, ''))] as const)));

    expectSame(listed.keys(), CONTEXTS.keys());
    // Two that share a row share their arguments; of Started and Stopped only the first has any.
    for (const [name, context] of CONTEXTS) if (name !== 'Stopped') expect([name, sorted(listed.get(name) ?? [])]).toEqual([name, sorted(ownArguments(context))]);
  });

  it('lists the members of heap, heap.client and kernel', () => {
    expectSame(readme.listed('heap'), membersOf('client.ts', 'HeapBase'));
    expectSame(readme.listed('heap.client'), membersOf('client.ts', 'Client'));
    expectSame(readme.listed('kernel'), membersOf('kernel.ts', 'Kernel'));
  });

  it('lists every member of the server object', () => {
    const methods = Object.getOwnPropertyNames(api.PreforkTcpServer.prototype).filter((name) => name !== 'constructor');
    const fields = [...source('prefork-tcp-server.ts').matchAll(/^ {2}readonly (\w+):/gm)].map(([, name = '']) => name);

    expect(fields.length).toBeGreaterThan(3);
    const members = readme.chapter('The server object').split('\n### ')[0] ?? '';
    expectSame(new Set(members.split('\n').filter((line) => line.startsWith('| `')).flatMap((line) => namesIn(line.split(' | ')[0] ?? ''))), [...methods, ...fields]);
  });

  it('lists every event with what it carries', () => {
    const events = [...(/interface ServerEvents \{([^]*?)\n\}/.exec(source('server-events.ts'))?.[1] ?? '').matchAll(/^ {2}'?([a-z:]+)'?: \[(\w*)\]/gm)];
    const rows = new Map(readme.rows('Events').map(([first = '', carried = '']) => [namesIn(first)[0] ?? '', carried]));

    expectSame(rows.keys(), events.map(([, name = '']) => name));
    for (const [, name = '', type = ''] of events) {
      if (!/Event$|Result$/.test(type)) continue;
      const own = membersOf('server-events.ts', type).filter((member) => name === 'worker:born' || !['pid', 'id'].includes(member));
      expect(own.filter((member) => !(rows.get(name) ?? '').includes(`\`${member}`)), name).toEqual([]);
    }
  });

  it('names every reason for a drain, an exit and a pause', () => {
    const reasons = [...Object.keys(DRAIN_REASONS), ...EXIT_REASONS, ...Object.keys(PAUSE_REASONS)];

    expect(reasons.filter((reason) => !readme.text.includes(`'${reason}'`))).toEqual([]);
  });

  it('lists every filter', () => {
    expectSame(readme.rows('Filters').map(([first = '']) => first).filter((first) => first.endsWith("Filter`")).flatMap(namesIn), Object.keys(api).filter((name) => name.endsWith('Filter')));
  });

  it('lists every error code', () => {
    const codes = [...source('errors.ts').matchAll(/'(ERR_PREFORK_\w+)';? \/\//g)].map(([, code = '']) => code);

    expect(codes.length).toBeGreaterThan(5);
    expectSame(readme.listed('Errors'), codes);
  });

  it('claims to survive what tests show', () => {
    const shown: readonly (readonly [claim: string, file: string, title: string])[] = [
      ['Workers killed', 'process/survive-workers', 'and then another, and another, under load'],
      ['Workers that block', 'process/survive-workers', 'is replaced when MaxServerExpireTime says so'],
      ['The master killed', 'process/survive-drain', 'leaves its workers to their clients'],
      ['The master killed', 'process/survive-workers', 'that was stopped for longer than MaxServerExpireTime'],
      ['The master killed', 'process/survive-workers', 'that a worker cuts makes it drain'],
      ['Recycling', 'process/survive-drain', 'while workers are recycled by MaxServerLifeTime'],
      ['Recycling', 'process/survive-drain', 'while the pool is scaled down'],
      ['Recycling', 'process/reload', 'replaces every worker, successors first'],
      ['A release', 'process/reload', 'does not take a release that %s, says why, and serves every client'],
      ['A release', 'process/reload', 'does not pass the check'],
      ['A full JavaScript heap', 'process/survive-workers', 'that fills its JavaScript heap ends that worker only'],
      ['A full JavaScript heap', 'process/synopsis', 'replaces one that was killed'],
      ['Faults in callbacks', 'process/survive-strangers', 'a fault of a strange kind'],
      ['A failed', 'process/messages', 'that ask, and are left without an answer, cost no client'],
      ['A failed', 'process/reload', 'that fails ends no program which does not handle that'],
      ['Lack of file', 'process/survive-overload', 'stops accepting and says so'],
      ['Clients that send', 'filters/line', 'discards the long line'],
      ['Clients that send', 'process/client-options', 'ETIMEDOUT'],
      ['Clients that send', 'process/client-ends', 'beyond MaxOutput, costs no other client'],
      ['Clients that send', 'process/survive-strangers', 'clients that connect and reset at once'],
      ['Thousands of requests', 'process/survive-overload', 'lets others be accepted and answered between them'],
    ];
    const claims = [...readme.chapter('What it survives').matchAll(/^- (.*)$/gm)].map(([, claim = '']) => claim);

    expect(claims.filter((claim) => !shown.some(([start]) => claim.startsWith(start)))).toEqual([]);
    expect(shown.filter(([, file, title]) => !readFileSync(join(ROOT, `test/${file}.test.ts`), 'utf8').includes(title))).toEqual([]);
  });

  it('names scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Readonly<Record<string, string>> };

    expect([...readme.text.matchAll(/`npm run ([\w:]+)/g)].map(([, name]) => name ?? '').filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe.each(DOCUMENTS)('%s', (name) => {
  const document = new Markdown(name);

  it('has links to files and chapters that are there', () => {
    const broken = document.links.filter((link) => !link.startsWith("https:")).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? name : normalize(join(dirname(name), path));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !new Markdown(target).headings.map(anchorOf).includes(anchor);
    });

    expect(document.links.length).toBeGreaterThan(10);
    expect(broken).toEqual([]);
  });

  it('names files that are there', () => {
    const paths = [...document.text.matchAll(/`((?:src|test|examples|\.ci)\/[\w./-]+|eslint\.config\.js)`/g)].map(([, path]) => path ?? '');

    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('the programs in the documents', () => {
  it('are those that tests run', () => {
    const run = new Map([
      ['Start', '../package/package.test.ts'], ['Framing', '../filters/protocols.test.ts'], ['TLS', '../process/documents.test.ts'], ['Releases', '../process/documents.test.ts'], ['Watching a pool', '../master/log.test.ts'], ['Changing a running pool', '../process/documents.test.ts'], ['Testing', '../process/documents.test.ts'],
    ]);

    const blocks = [readme, guide].flatMap(({ codeBlocks }) => codeBlocks).filter(({ language }) => language !== '');
    expect(blocks.map(({ heading }) => heading).filter((heading) => !run.has(heading))).toEqual([]);
    for (const file of run.values()) expect(existsSync(new URL(file, import.meta.url))).toBe(true);
  });
});

describe('examples/README.md', () => {
  const programs = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  /** Rows of the tables that say how to start a program. */
  const rows = guide.headings.flatMap((heading) => guide.rows(heading)).filter(([, start = '']) => start.includes('`node examples/'));

  it('lists every example', () => {
    expectSame(new Set(rows.map(([, start = '']) => /`node examples\/([\w./-]+)/.exec(start)?.[1] ?? '')), programs);
  });

  it.each(rows)('starts and tries %s as the example itself says', (_task, start = '', client = '') => {
    const [, name = ''] = /`node examples\/([\w./-]+)/.exec(start) ?? [];
    const head = readFileSync(join(ROOT, 'examples', name), 'utf8').split('\nimport ')[0] ?? '';

    expect(head).toContain(/`(node [^`]*)`/.exec(start)?.[1]);
    expect(head).toContain(/`([^`]*)`/.exec(client)?.[1]?.replaceAll('\\|', '|'));
  });
});
