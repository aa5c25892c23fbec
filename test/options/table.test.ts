import { checkEach, nearestName, show } from '../../src/checks.js';
import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CHANGEABLE_CHECKS, CHECKS } from '../../src/options/table.js';

const nothing = (): void => undefined;
const FILE = new URL('file:///srv/worker.js');

// Every kind of option: what it takes, and what it refuses.
const COUNT_FROM_0 = { good: [0, 1, 1000], bad: [-1, 0.5, NaN, Infinity, '1', null, true, 1n, [1], {}, 2 ** 60] };
const COUNT_FROM_1 = { good: [1, 1000], bad: [0, ...COUNT_FROM_0.bad] };
const SECONDS_OR_OFF = { good: [0, 0.25, 1e9], bad: [-0.1, NaN, Infinity, '1', null, true, {}] };
const FLAG = { good: [true, false, 0, 1], bad: [2, -1, '', 'true', null, {}] };
const TEXT = { good: ['x', ' '], bad: ['', 7, null, true, ['x'], {}] };
const LIST = { good: [[], [1, {}]], bad: ['x', null, 7, {}, nothing] };
const TEXTS = { good: [[], ['', 'x']], bad: [[1], ['x', null], 'x', null, {}] };
/** What the system would cut off at a NUL, or refuse only when a worker starts. */
const ARGUMENTS = { good: TEXTS.good, bad: [...TEXTS.bad, ['x', 'a\0b']] };
const ADDRESS = { good: ['x', '/run/x.sock', '\0abstract', '\0abs\0tract'], bad: [...TEXT.bad, '127.0.0.1\0x', '/run/x\0.sock'] };
const CALLBACK = { good: [nothing, async () => Promise.resolve()], bad: ['f', null, {}, [nothing], 1] };
const PAIRS = {
  good: [[], [{}, ['event']], [nothing, { event: 'method' }], [{}, [], {}, {}]],
  bad: [[{}], ['x', ['event']], [null, []], [{}, 'event'], [{}, [1]], [{}, null], 'x', null, {}],
};
const POINTLESS = { good: [], bad: ['x', [], {}, null, 0] };

const TABLE: Readonly<Record<string, { readonly good: readonly unknown[]; readonly bad: readonly unknown[] }>> = {
  MaxServer: COUNT_FROM_1,
  StartServer: COUNT_FROM_0,
  MinServer: COUNT_FROM_0,
  MinSpareServer: COUNT_FROM_0,
  MaxSpareServer: COUNT_FROM_0,
  MasterHeartBeatTime: { good: [0.001, 0.5, 3600], bad: [0, -1, NaN, Infinity, '1', null, true] },
  ServerHeartBeatTime: { good: [0.001, 0.5, 3600], bad: [0, -1, NaN, Infinity, '1', null, true] },
  MaxSessionPerServer: COUNT_FROM_0,
  MaxServerExpireTime: { good: [0.001, 60, Infinity], bad: [0, -1, NaN, -Infinity, '1', null] },
  GraceExpireTime: { good: [0, 0.5, Infinity], bad: [-1, NaN, -Infinity, '1', null, false] },
  MaxServerSpareTime: SECONDS_OR_OFF,
  MaxServerLifeTime: SECONDS_OR_OFF,
  MaxServerLifeTimes: COUNT_FROM_0,
  MaxSession: COUNT_FROM_0,
  MaxServerMemory: { good: [0, 16 * 1024 * 1024, 500e6], bad: [1, 512, -1, 1.5, '512M', Infinity] },
  Concurrency: { good: [-1, 0, 5], bad: [-2, 0.5, NaN, Infinity, '1', null] },
  Address: ADDRESS,
  Hostname: ADDRESS,
  Port: { good: [0, 80, 65_535, '80', '0', 'smtp', 'x11-1'], bad: [-1, 65_536, 0.5, NaN, '65536', '0.5', '', 'a b', null, true] },
  Domain: { good: ['inet', 'inet6', 'unix'], bad: ['INET', '', 2, null] },
  SocketMode: { good: [0, 0o600, 0o777], bad: [-1, 0o1000, 0.5, '0600', null] },
  Ipv6Only: FLAG,
  Backlog: COUNT_FROM_1,
  Alias: TEXT,
  MasterAlias: TEXT,
  ShutdownChildren: FLAG,
  Script: { good: ['worker.js', FILE], bad: ['', 7, null, new URL('http://localhost/'), {}, 'a\0b', 'file:///a%00b'] },
  ScriptArgs: ARGUMENTS,
  ExecArgv: ARGUMENTS,
  Env: { good: [{}, { A: 'x', B: undefined }], bad: [{ A: 1 }, ['x'], null, 'A=x', { A: 'x\0' }, { 'A\0': 'x' }] },
  HandleSignals: { good: [true, false, 0, 1, { upgrade: 'SIGUSR2' }, { upgrade: undefined }], bad: [2, 'true', null, {}, { upgrade: 'SIGUSR1' }, { upgrade: 'SIGUSR2', reload: 'SIGHUP' }] },
  HangReport: { good: [true, false, 0, 1, 0.5, 30], bad: [-1, NaN, Infinity, '1', null, {}] },
  ClientCallbackTimeout: SECONDS_OR_OFF,
  MaxOutput: COUNT_FROM_0,
  User: { good: ['nobody', 0, 65_534], bad: ['', -1, 0.5, null, {}] },
  Group: { good: ['nogroup', 0], bad: ['', -1, 0.5, null, {}] },
  ListenerArgs: LIST,
  ClientArgs: LIST,
  ClientTimeout: SECONDS_OR_OFF,
  ClientPreConnectTimeout: SECONDS_OR_OFF,
  NoDelay: FLAG,
  KeepAlive: FLAG,
  MaxSessionPerAddress: COUNT_FROM_0,
  BlockList: { good: [[], ['10.0.0.0/8'], new BlockList()], bad: ['10.0.0.1', [7], {}, { check: true }, null] },
  HighMark: COUNT_FROM_1,
  LowMark: COUNT_FROM_0,
  ClientShutdownOnError: FLAG,
  InlineStates: { good: [{}, { event: nothing }], bad: [{ event: 'x' }, [nothing], null, nothing] },
  ObjectStates: PAIRS,
  PackageStates: PAIRS,
  SessionType: POINTLESS,
  SessionParams: POINTLESS,
  ...Object.fromEntries([
    'Heap', 'ServerStarted', 'ServerStopped', 'Error', 'Started', 'Stopped', 'Acceptor', 'ClientPreConnect', 'ClientConnected', 'ClientInput',
    'ClientDisconnected', 'ClientError', 'ClientFlushed', 'ClientHigh', 'ClientLow', 'ClientDraining',
  ].map((name) => [name, CALLBACK])),
};

const problemsOf = (name: string, value: unknown): string[] => checkEach({ [name]: value }, CHECKS);

describe.each(Object.entries(TABLE))('%s', (name, { good, bad }) => {
  it('takes what it may be, and undefined for its default', () => {
    for (const value of [undefined, ...good]) expect(problemsOf(name, value), show(value)).toEqual([]);
  });

  it('refuses everything else, and says what it may be', () => {
    for (const value of bad) expect(problemsOf(name, value), show(value)).toEqual([expect.stringMatching(new RegExp(`^${name} (must be|has no meaning) .+\\.$`))]);
  });
});

describe('the table of options', () => {
  it('leaves the filters to the filters, which know their parameters', () => {
    expect(['ClientFilter', 'ClientInputFilter', 'ClientOutputFilter'].flatMap((name) => problemsOf(name, 7))).toEqual([]);
  });

  it('refuses a symbol for every option that it checks', () => {
    const unchecked = Object.keys(CHECKS).filter((name) => problemsOf(name, Symbol('x')).length === 0);

    expect(unchecked).toEqual(['ClientFilter', 'ClientInputFilter', 'ClientOutputFilter']);
  });

  it('has everything that configure() takes', () => {
    expect(Object.keys(CHECKS)).toEqual(expect.arrayContaining(Object.keys(CHANGEABLE_CHECKS)));
  });
});

describe('checkEach', () => {
  it('lists every problem, in the order of the options', () => {
    expect(checkEach({ MaxServer: 0, Port: 'no port', Alias: 'fine', MaxSever: 3, Foo: 1 }, CHECKS)).toEqual([
      'MaxServer must be a whole number of at least 1, not 0.',
      "Port must be a port number from 0 to 65535 or the name of a service, such as 'smtp', not \"no port\".",
      'MaxSever is not an option; did you mean MaxServer?',
      'Foo is not an option.',
    ]);
  });

  it('names an unknown option even if its value is undefined', () => {
    expect(checkEach({ MaxSever: undefined }, CHECKS)).toHaveLength(1);
  });

  it.each(['toString', 'constructor', '__proto__', ''])('does not take what every object has for an option: "%s"', (name) => {
    const given = Object.fromEntries([[name, 1]]);

    expect(checkEach(given, CHECKS)).toEqual([expect.stringContaining('is not an option')]);
  });
});

describe('nearestName', () => {
  it.each([
    ['MaxSever', 'MaxServer'],
    ['maxserver', 'MaxServer'],
    ['MaxServers', 'MaxServer'],
    ['MinSpareServers', 'MinSpareServer'],
    ['MaxServerLifetimes', 'MaxServerLifeTimes'],
    ['MasterHeartbeat', 'MasterHeartBeatTime'],
    ['ClientInputs', 'ClientInput'],
    ['port', 'Port'],
    ['Prt', 'Port'],
    ['Prot', 'Port'],
    ['MaxWorkers', undefined],
    ['x', undefined],
    ['', undefined],
    ['an option that nobody would call so', undefined],
  ])('finds for %s: %s', (name, expected) => {
    expect(nearestName(name, Object.keys(CHECKS))).toBe(expected);
  });
});

describe('show', () => {
  it.each([
    ['x', '"x"'],
    ['a\nb', '"a\\nb"'],
    ['y'.repeat(61), `"${'y'.repeat(57)}..."`],
    [nothing, 'the function nothing'],
    [() => 1, 'a function'],
    [[1, 2], 'an array of 2'],
    [{ a: 1 }, 'an object'],
    [null, 'null'],
    [7n, '7n'],
    [-0.5, '-0.5'],
    [NaN, 'NaN'],
    [true, 'true'],
    [Symbol('s'), 'Symbol(s)'],
  ])('shows a value on one line: %#', (value, expected) => {
    expect(show(value)).toBe(expected);
  });
});
