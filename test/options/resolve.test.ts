import { BlockList } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PreforkError } from '../../src/errors.js';
import { LineFilter } from '../../src/filters/line.js';
import { CHECKS, POOL_CHECKS } from '../../src/options/table.js';
import type { PoolOptions } from '../../src/options/options.js';
import type { ConstructionRole } from '../../src/options/contradictions.js';
import { aliasOf, resolveChange, resolveOptions } from '../../src/options/resolve.js';
import { withChange } from '../../src/options/client-part.js';
import { resolveThresholds } from '../../src/options/thresholds.js';
import { randomThresholds } from '../support/random-thresholds.js';
import { Seeded, seeds } from '../support/seeded.js';

const ClientInput = (): void => undefined;

/** The message of the error that options are refused with; undefined if they are not. */
function refusal(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(PreforkError);
    expect(error).toMatchObject({ code: 'ERR_PREFORK_OPTION' });
    return (error as PreforkError).message;
  }
}

// A worker is asked for everything but accounts, which start a program.
const refused = (options: unknown, role: ConstructionRole = 'worker'): string | undefined => refusal(() => resolveOptions(options, role));
const changed = (before: PoolOptions, change: unknown): PoolOptions => resolveChange(resolveOptions({ ...before, ClientInput }, 'worker'), change).thresholds;
const refusedPool = (options: PoolOptions): string | undefined => refused({ ...options, ClientInput });

describe('the defaults', () => {
  it('are those that the original documents', () => {
    const { pool, worker } = resolveThresholds({});

    expect(pool).toMatchObject({
      maxWorkers: 20, startWorkers: 5, minWorkers: 5, minSpare: 5, maxSpare: 15,
      heartbeatMs: 10_000, expireMs: 50_000, graceMs: 50_000, maxIdleMs: 0, maxLifeMs: 0, maxPoolClients: 0,
    });
    expect(worker).toEqual({ heartbeatMs: 5000, graceMs: 50_000, maxClients: null, concurrency: null, maxServed: null });
  });

  it('give a start at least 30 s, and never less than a silence', () => {
    expect(resolveThresholds({ MaxServerExpireTime: 1 }).pool.bootMs).toBe(30_000);
    expect(resolveThresholds({ MaxServerExpireTime: 100 }).pool.bootMs).toBe(100_000);
  });

  it('stand for options that are undefined', () => {
    const nothing = Object.fromEntries(Object.keys(POOL_CHECKS).map((name) => [name, undefined]));

    expect(resolveThresholds(nothing)).toEqual(resolveThresholds({}));
    expect(refusedPool(nothing)).toBeUndefined();
  });

  it.each([
    ['MaxServer 3 alone gives three workers, neither more nor less', { MaxServer: 3 },
      { maxWorkers: 3, startWorkers: 3, minWorkers: 3, minSpare: 3, maxSpare: 3 }],
    ['MaxServer 6 alone does not retire what MinServer asks for', { MaxServer: 6 },
      { maxWorkers: 6, startWorkers: 5, minWorkers: 5, minSpare: 5, maxSpare: 5 }],
    ['MinServer follows StartServer', { StartServer: 8 }, { startWorkers: 8, minWorkers: 8, minSpare: 8, maxSpare: 12 }],
    ['StartServer follows MinServer', { MinServer: 9 }, { startWorkers: 9, minWorkers: 9 }],
    ['StartServer follows a MinServer below its default', { MinServer: 2 }, { startWorkers: 2, minWorkers: 2, minSpare: 2, maxSpare: 18 }],
    ['MinSpareServer is fitted to MaxSpareServer', { MaxSpareServer: 1 }, { minSpare: 1, maxSpare: 1 }],
    ['MaxSpareServer is fitted to MinSpareServer', { MinSpareServer: 18 }, { minSpare: 18, maxSpare: 18 }],
    ['MaxServerExpireTime and GraceExpireTime follow the heartbeat', { MasterHeartBeatTime: 2 }, { heartbeatMs: 2000, expireMs: 10_000, graceMs: 10_000 }],
    ['GraceExpireTime follows MaxServerExpireTime', { MaxServerExpireTime: 60 }, { heartbeatMs: 10_000, expireMs: 60_000, graceMs: 60_000 }],
    ['the heartbeat is fitted to a short MaxServerExpireTime', { MaxServerExpireTime: 1 }, { heartbeatMs: 500, expireMs: 1000 }],
    ['the heartbeat is its own with an infinite one', { MaxServerExpireTime: Infinity }, { heartbeatMs: 10_000, expireMs: Infinity, graceMs: Infinity }],
    ['the synopsis of the original', { MaxServer: 100, MinServer: 10, StartServer: 10 },
      { maxWorkers: 100, startWorkers: 10, minWorkers: 10, minSpare: 10, maxSpare: 90 }],
  ])('follow what is given: %s', (_title, given, expected) => {
    expect(resolveThresholds(given).pool).toMatchObject(expected);
    expect(refusedPool(given)).toBeUndefined();
  });

  it('give workers their limits in milliseconds and null for unlimited', () => {
    const given = { ServerHeartBeatTime: 0.25, GraceExpireTime: Infinity, MaxSessionPerServer: 2, Concurrency: 0, MaxServerLifeTimes: 7 };

    expect(resolveThresholds(given).worker).toEqual({ heartbeatMs: 250, graceMs: null, maxClients: 2, concurrency: 0, maxServed: 7 });
  });

  it('take fractions of seconds', () => {
    const given = { MasterHeartBeatTime: 0.1, MaxServerExpireTime: 0.75, GraceExpireTime: 0.5, MaxServerSpareTime: 1.5, MaxServerLifeTime: 2.5 };

    expect(resolveThresholds(given).pool).toMatchObject({ heartbeatMs: 100, expireMs: 750, graceMs: 500, maxIdleMs: 1500, maxLifeMs: 2500 });
  });

  it.each([
    ['no workers at the start', { StartServer: 0, MinServer: 0, MinSpareServer: 1 }, { startWorkers: 0, minWorkers: 0, minSpare: 1 }],
    ['no growth', { MinSpareServer: 0 }, { minSpare: 0, minWorkers: 5 }],
    ['no spare worker above MinServer', { MaxSpareServer: 0 }, { minSpare: 0, maxSpare: 0 }],
    ['no grace', { GraceExpireTime: 0 }, { graceMs: 0 }],
    ['no limit of sessions', { MaxSession: 0 }, { maxPoolClients: 0, clientsPerWorker: Infinity }],
    ['the smallest limit of a worker\'s sessions', { MaxSessionPerServer: 9, Concurrency: 7, MaxServerLifeTimes: 5 }, { clientsPerWorker: 5 }],
  ])('do not stand for 0, which means what it says: %s', (_title, given, expected) => {
    expect(resolveThresholds(given).pool).toMatchObject(expected);
    expect(refusedPool(given)).toBeUndefined();
  });
});

describe('a pool that could not settle', () => {
  it.each([
    ['MinServer above StartServer', { MinServer: 6, StartServer: 5 }, ['MinServer (6) must not exceed StartServer (5)']],
    ['StartServer above MaxServer', { StartServer: 6, MaxServer: 5 }, ['StartServer (6) must not exceed MaxServer (5)']],
    ['StartServer above the default of MaxServer', { StartServer: 21 }, ['StartServer (21) must not exceed MaxServer (20)']],
    ['MinServer above MaxServer', { MinServer: 6, MaxServer: 5 }, ['MinServer (6) must not exceed MaxServer (5)']],
    ['MinSpareServer above MaxSpareServer', { MinSpareServer: 5, MaxSpareServer: 2 }, ['MinSpareServer (5) must not exceed MaxSpareServer (2)']],
    ['MinSpareServer above MaxServer', { MinSpareServer: 6, MaxServer: 5 }, ['MinSpareServer (6) must not exceed MaxServer (5)']],
    ['no worker ever', { MinServer: 0, MinSpareServer: 0 }, ['MinServer (0) and MinSpareServer (0) leave a pool without workers']],
    ['a master slower than the expiry', { MasterHeartBeatTime: 10, MaxServerExpireTime: 10 },
      ['MasterHeartBeatTime (10 s) must be shorter than MaxServerExpireTime (10 s)']],
    ['reports that are due just before the expiry', { ServerHeartBeatTime: 0.99, MaxServerExpireTime: 1 },
      ['ServerHeartBeatTime (0.99 s) must be at most half of MaxServerExpireTime (1 s), so that one late report does not end']],
    ['workers slower than the expiry', { ServerHeartBeatTime: 20, MasterHeartBeatTime: 1 },
      ['ServerHeartBeatTime (20 s) must be at most half of MaxServerExpireTime (5 s)']],
    ['everything at once', { MinServer: 9, StartServer: 8, MaxServer: 7, MinSpareServer: 6, MaxSpareServer: 5, MasterHeartBeatTime: 4, ServerHeartBeatTime: 3, MaxServerExpireTime: 2 },
      ['MinServer (9) must not exceed StartServer (8)', 'StartServer (8) must not exceed MaxServer (7)', 'MinServer (9) must not exceed MaxServer (7)',
        'MinSpareServer (6) must not exceed MaxSpareServer (5)', 'MasterHeartBeatTime (4 s)', 'ServerHeartBeatTime (3 s)']],
  ])('is refused in one error that spells it out: %s', (_title, given, sentences) => {
    const message = refusedPool(given);

    for (const sentence of sentences) expect(message).toContain(sentence);
    expect(refusal(() => changed({}, given))).toContain(sentences[0]);
  });

  it('is explained by what was given, and once: the default of MinServer is StartServer', () => {
    expect(refusedPool({ StartServer: 6, MaxServer: 5 })).not.toContain('MinServer');
  });

  it('is never made by one option alone, if it is within the limits that the fixed defaults set', () => {
    const most: Readonly<Record<string, number>> = { StartServer: 20, MinServer: 20, MinSpareServer: 20, ServerHeartBeatTime: 25 };
    for (const seed of seeds(2000)) {
      const random = new Seeded(seed);
      const name = random.pick(Object.keys(POOL_CHECKS));
      const highest = most[name] ?? 1000;
      const value = random.chance(0.5) ? random.int(0, highest) : random.magnitude(0.001, highest);
      const given = { [name]: value };
      if (POOL_CHECKS[name]?.(value) !== undefined) continue;

      expect(refusedPool(given), `${name}: ${value}`).toBeUndefined();
      expect(refusal(() => changed({}, given)), `${name}: ${value}`).toBeUndefined();
    }
  });

  it('is the only thing that is refused: what is ordered as the README says is taken (random)', () => {
    for (const seed of seeds(2000)) {
      const given = randomThresholds(new Seeded(seed));

      const { pool, worker } = resolveThresholds(given);

      expect(refusedPool(given), JSON.stringify(given)).toBeUndefined();
      expect(pool.minWorkers, JSON.stringify(given)).toBeLessThanOrEqual(pool.maxWorkers);
      expect(pool.startWorkers).toBeLessThanOrEqual(pool.maxWorkers);
      expect(pool.minSpare).toBeLessThanOrEqual(pool.maxSpare);
      expect(Math.max(pool.heartbeatMs, worker.heartbeatMs)).toBeLessThan(pool.expireMs);
      expect(worker.heartbeatMs * 2).toBeLessThanOrEqual(pool.expireMs);
    }
  });
});

const OWNER = { tock: ClientInput };

describe('resolveOptions', () => {
  it('gives frozen parts, with switches as booleans whatever their form', () => {
    const resolved = resolveOptions({ ClientInput, HandleSignals: 0, ShutdownChildren: 1, NoDelay: 0, KeepAlive: 1, Address: '::', Ipv6Only: 1, ClientShutdownOnError: 0 }, 'worker');

    expect(resolved.process).toMatchObject({ handlesSignals: false, endsWorkers: true });
    expect(resolved.client).toMatchObject({ noDelay: false, keepAlive: true, shutdownOnError: false });
    expect(resolved.listen.target).toMatchObject({ ipv6Only: true });
    expect([resolved, ...Object.values(resolved) as object[]].every((part) => Object.isFrozen(part))).toBe(true);
  });

  it('takes options that an object inherits, from another or from its class, and checks them', () => {
    class Settings {
      readonly Alias = 'echo';
      readonly #cores = 3;
      get MaxServer(): number { return this.#cores; }
      ClientInput(): void { /* takes it */ }
    }

    expect(resolveOptions(new Settings(), 'worker')).toMatchObject({ pool: { maxWorkers: 3 }, process: { alias: 'echo' } });
    expect(resolveOptions(Object.assign(Object.create({ ClientInput, MaxServer: 3 }) as object, { MaxServer: 4 }), 'worker').pool.maxWorkers).toBe(4);
    expect(refused(Object.create({ ClientInput, Port: -1 }))).toContain('Port must be');
    expect(changed({}, Object.create({ MaxServer: 30 }))).toMatchObject({ MaxServer: 30 });
  });

  it('checks and takes what is inherited inside Admin, Proxy and Tls, too', () => {
    const inherits = (above: object, own: object = {}): object => Object.assign(Object.create(above) as object, own);
    const Admin = inherits({ Address: '0.0.0.0' }, { Port: 0 });
    const Proxy = inherits({ From: ['10.0.0.0/8'] }, { Version: 2 });

    expect(refused({ ClientInput, Admin })).toContain('Address 0.0.0.0 can be reached from other machines, so it needs a Token');
    expect(resolveOptions({ ClientInput, Proxy }, 'worker').client.proxy).toMatchObject({ version: 2 });
    expect(refused({ ClientInput, Proxy: inherits({ Timeout: 0 }, { From: 'unix' }) })).toContain('Proxy: Timeout must be');
    expect(refused({ ClientInput, Tls: inherits({ key: 5 }, { cert: 5 }) })).toContain('Tls.key takes what is in a PEM file');
  });

  it.each([[false, undefined], [0, undefined], [true, { hungMs: 0 }], [1, { hungMs: 1000 }], [0.5, { hungMs: 500 }]])('takes HangReport: %j for off, on, or seconds', (HangReport, watch) => {
    expect(resolveOptions({ ClientInput, HangReport }, 'master').process.watch).toEqual(watch);
  });

  it('fills in every default', () => {
    const { listen, process: processes, client } = resolveOptions({ ClientInput }, 'master');

    expect(listen).toMatchObject({ target: { kind: 'tcp', host: undefined, family: undefined, port: 0, ipv6Only: false }, backlog: 511, args: [] });
    expect(processes).toMatchObject({ alias: 'prefork_server', masterAlias: 'prefork_master', handlesSignals: true, endsWorkers: false, hasOwnScript: false, account: undefined });
    expect(client).toMatchObject({
      clientArgs: [], marks: { high: 1024 * 1024, low: 256 * 1024 }, shutdownOnError: true, idleMs: 0, preConnectMs: 10_000,
      noDelay: true, keepAlive: false, blockList: undefined, mostPerAddress: 0,
    });
    expect(client.createFilters().input).toBeInstanceOf(LineFilter);
  });

  it.each([
    ['a number in a text, as the environment has it', { Port: '10000' }, { kind: 'tcp', port: 10_000 }],
    ['the name of a service', { Port: 'smtp' }, { kind: 'tcp', port: 'smtp' }],
    ['a path without Domain', { Address: '/run/x.sock', SocketMode: 0o600 }, { kind: 'unix', path: '/run/x.sock', mode: 0o600 }],
    ['a relative path without Domain', { Address: './x.sock' }, { kind: 'unix', path: './x.sock' }],
    ['an abstract address', { Address: '\0x' }, { kind: 'unix', path: '\0x' }],
    ['an IPv6 address', { Address: '::1', Port: 1 }, { kind: 'tcp', host: '::1', port: 1 }],
    ['a name of a Domain', { Hostname: 'localhost', Domain: 'inet6' }, { kind: 'tcp', host: 'localhost', family: 6 }],
  ])('takes for the address %s', (_title, given, target) => {
    expect(resolveOptions({ ClientInput, ...given }, 'worker').listen.target).toMatchObject(target);
  });

  it('builds filters and the block list once', () => {
    let made = 0;
    class Counted extends LineFilter {
      constructor() {
        super();
        made += 1;
      }
    }
    const { client } = resolveOptions({ ClientInput, ClientFilter: Counted, BlockList: ['10.0.0.0/8'] }, 'worker');

    expect(made).toBe(1);
    const one = client.createFilters();
    expect(made).toBe(2);
    expect(one.input).toBe(one.output);
    expect(client.blockList?.check('10.1.2.3')).toBe(true);
  });

  it('makes the path of Script absolute, so that a program may change its folder', () => {
    const script = (Script: string | URL): string | undefined => resolveOptions({ Script }, 'master').process.script;

    expect(script('worker.js')).toBe(join(process.cwd(), 'worker.js'));
    expect(script(new URL('file:///srv/worker%20one.js'))).toBe('/srv/worker one.js');
    expect(script('file:///srv/worker.js')).toBe('/srv/worker.js');
  });

  it('asks for ClientInput where clients are served, and nowhere else', () => {
    expect(refused({}, 'worker')).toContain('ClientInput is missing');
    expect(refused({}, 'master')).toContain('ClientInput is missing');
    expect(refused({ Script: 'worker.js' }, 'worker')).toContain('ClientInput is missing');
    expect(refused({ Script: 'worker.js' }, 'master')).toBeUndefined();
    expect(refused({}, 'inert')).toBeUndefined();
  });

  it('lets the account be known to the master only, and says of each name that it is none of this machine', () => {
    const message = refused({ ClientInput, User: 'nobody-of-that-name', Group: 'nogroup-of-that-name', MaxServer: 0 }, 'master');

    for (const part of ['User "nobody-of-that-name" is not an account', 'Group "nogroup-of-that-name" is not an account', 'MaxServer must be']) expect(message).toContain(part);
    expect(refused({ ClientInput, User: 4711 }, 'master')).toContain('give Group too');
    expect(refused({ ClientInput, User: 'nobody-of-that-name' }, 'worker')).toBeUndefined();
    const own = { User: process.getuid?.(), Group: process.getgid?.() };
    expect(resolveOptions({ ClientInput, ...own }, 'master').process.account).toEqual({ uid: own.User, gid: own.Group });
  });

  it.each([
    ['host', 'Address'], ['port', 'Port'], ['path', 'Address (a path)'], ['timeout', 'ClientTimeout'], ['maxConnections', 'MaxSessionPerServer'],
    ['workers', 'MaxServer'], ['ipv6Only', 'Ipv6Only'], ['backlog', 'Backlog'], ['noDelay', 'NoDelay'], ['hostname', 'Hostname'],
    ['onConnect', 'ClientConnected'], ['onError', 'ClientError'], ['ClientClose', 'ClientDisconnected'], ['cert', 'Tls: { key, cert }'], ['metrics', 'Admin'],
    ['max_requests', 'MaxServerLifeTimes'], ['maxRequests', 'MaxServerLifeTimes'], ['max_memory_restart', 'MaxServerMemory'], ['maxMemoryRestart', 'MaxServerMemory'],
  ])('knows what others call it: %s', (name, own) => {
    expect(refused({ ClientInput, [name]: 1 })).toContain(`${name} is not an option; did you mean ${own}?`);
  });

  it('finds the alias of options that are wrong', () => {
    expect([undefined, 7, {}, { Alias: 7 }, { Alias: 'chat', MaxServer: -1 }].map(aliasOf)).toEqual([
      'prefork_server', 'prefork_server', 'prefork_server', 'prefork_server', 'chat',
    ]);
  });

  it('takes the one option that is needed', () => {
    expect(refused({ ClientInput })).toBeUndefined();
  });

  it('says how a limit is switched off', () => {
    expect(refused({ ClientInput, MaxSession: Infinity })).toContain('MaxSession must be a whole number of at least 0, 0 = no limit, not Infinity');
  });

  it('lists every problem in one error', () => {
    const message = refused({ MaxServer: '10', MinSever: 3, Port: -1, ClientConnected: 'hello', ClientFilter: 'Lines' });

    for (const part of ['MaxServer must be', 'did you mean MinServer?', 'Port must be', 'ClientConnected must be', 'ClientFilter', 'ClientInput is missing']) {
      expect(message).toContain(part);
    }
  });

  it.each([
    ['Hosts must be', { Port: 1, Hosts: 5 }, {}],
    ['Hosts must be', { Port: 1, Hosts: [5] }, {}],
    ['Port and AgentPort are both 9100', { Port: 9100, AgentPort: 9100 }, {}],
    ['Port and AgentPort are both 9100', { Port: '9100', AgentPort: 9100 }, {}],
    ["Port 9100 is the server's own", { Port: 9100 }, { Port: 9100 }],
    ["Port 9100 is the server's own", { Port: 9100 }, { Port: '9100', Address: '127.0.0.1' }],
    ["Port 9100 is the server's own", { Port: 9100 }, { Port: 9100, Hostname: 'localhost' }],
    ["Port 9100 is the server's own", { Port: 9100 }, { Port: 9100, Domain: 'inet6' }],
    ["AgentPort 9100 is the server's own", { AgentPort: 9100, Address: '0.0.0.0' }, { Port: 9100, Address: '127.0.0.1' }],
    ["Path /run/x.sock is the server's own", { Path: '/run/x.sock' }, { Address: '/run/../run/x.sock' }],
  ])('refuses an Admin that could not listen: %s %#', (part, Admin, given) => {
    expect(refused({ ClientInput, Admin, ...given }, 'master')).toContain(part);
  });

  it.each([
    ['that the kernel picks', { Port: 0, AgentPort: 0 }, { Port: 0 }],
    ['of another address', { Port: 9100 }, { Port: 9100, Address: '127.0.0.2' }],
    ['of the other family', { Port: 9100 }, { Port: 9100, Domain: 'inet6', Ipv6Only: true }],
    ['where systemd says the other', { Port: 9100 }, { Port: 9100, Fd: 'www' }],
    ['beside a Unix socket', { Path: '/run/admin.sock', Port: 9100 }, { Address: '/run/x.sock' }],
  ])('takes a place of Admin %s', (_title, Admin, given) => {
    expect(refused({ ClientInput, Admin, ...given }, 'master')).toBeUndefined();
  });

  it.each([undefined, null, 7, 'options', ClientInput])('needs an object: %s', (given) => {
    expect(refused(given)).toContain('needs an object of options');
  });

  it.each([
    ['ClientInput is missing', {}],
    ['ClientInput is missing', { ClientInput: undefined }],
    ['ClientInput is not used with Acceptor', { Acceptor: ClientInput, ClientInput }],
    ['ClientArgs is not used with Acceptor', { Acceptor: ClientInput, ClientArgs: [] }],
    ['HighMark is not used with Acceptor', { Acceptor: ClientInput, HighMark: 3 }],
    ['InlineStates is not used with Acceptor', { Acceptor: ClientInput, InlineStates: {} }],
    ['must be lower than HighMark', { ClientInput, HighMark: 10, LowMark: 10, ClientHigh: ClientInput, ClientLow: ClientInput }],
    ['give all four or none', { ClientInput, HighMark: 10 }],
    ['give all four or none', { ClientInput, LowMark: 10, ClientHigh: ClientInput }],
    ['give both or use ClientFilter', { ClientInput, ClientInputFilter: 'Line' }],
    ['give both or use ClientFilter', { ClientInput, ClientOutputFilter: 'Line', ClientFilter: 'Line' }],
    ['ClientFilter excludes', { ClientInput, ClientInputFilter: 'Line', ClientOutputFilter: 'Line', ClientFilter: 'Line' }],
    ['ClientFilter: ', { ClientInput, ClientFilter: ['Line', { MaxLength: -1 }] }],
    ['BlockList has "nonsense"', { ClientInput, BlockList: ['10.0.0.0/8', 'nonsense'] }],
    ['BlockList has "10.0.0.9-10.0.0.1"', { ClientInput, BlockList: ['10.0.0.9-10.0.0.1'] }],
    ['Address ::1 is not of Domain', { ClientInput, Address: '::1', Domain: 'inet' }],
    ['Address 127.0.0.1 is not of Domain', { ClientInput, Address: '127.0.0.1', Domain: 'inet6' }],
    ['Address 127.0.0.1 is not of Domain', { ClientInput, Address: '127.0.0.1', Domain: 'unix' }],
    ['Address /run/x.sock is a path', { ClientInput, Address: '/run/x.sock', Domain: 'inet' }],
    ['Port is not used with a Unix socket', { ClientInput, Address: '/run/x.sock', Port: 80 }],
    ['Hostname is not used with a Unix socket', { ClientInput, Address: '/run/x.sock', Hostname: 'localhost' }],
    ['SocketMode is not used with an abstract address', { ClientInput, Address: '\0x', SocketMode: 0o600 }],
    ['Ipv6Only is not used with a Unix socket', { ClientInput, Address: '/run/x.sock', Ipv6Only: true }],
    ['Ipv6Only is not used with an IPv4 address', { ClientInput, Ipv6Only: true }],
    ['Ipv6Only is not used with an IPv4 address', { ClientInput, Address: '127.0.0.1', Ipv6Only: 1 }],
    ["Alias and MasterAlias are both 'same'", { ClientInput, Alias: 'same', MasterAlias: 'same' }],
    ["Alias and MasterAlias are both 'prefork_master'", { ClientInput, Alias: 'prefork_master' }],
    ["ObjectStates names the method 'nope'", { ClientInput, ObjectStates: [{}, ['nope']] }],
    ["PackageStates names the method 'nope'", { ClientInput, PackageStates: [{}, { tick: 'nope' }] }],
    ["Domain 'unix' needs the path", { ClientInput, Domain: 'unix' }],
    ['Group needs User', { ClientInput, Group: 'nogroup' }],
    ["InlineStates has 'shutdown'", { ClientInput, InlineStates: { shutdown: ClientInput } }],
    ["ObjectStates has '_start'", { ClientInput, ObjectStates: [{}, ['fine', '_start']] }],
    ["PackageStates has 'tcp_server_got_input'", { ClientInput, PackageStates: [{}, { tcp_server_got_input: 'got' }] }],
  ])('refuses contradictions between the options of sessions: %s %#', (part, given) => {
    expect(refused(given)).toContain(part);
  });

  it.each<[string, object]>([
    ['ClientInput is a generator function', { ClientInput: function* () { yield 1; } }],
    ['ClientInput is a generator function', { ClientInput: async function* () { yield Promise.resolve(1); } }],
    ['Heap is a class, which cannot be called', { ClientInput, Heap: class { readonly n = 0; } }],
    ["InlineStates has 'tick', which is a generator function", { ClientInput, InlineStates: { * tick() { yield 1; } } }],
    ["ObjectStates names the method 'tick' for the event 'tick', which is a generator function", { ClientInput, ObjectStates: [{ * tick() { yield 1; } }, ['tick']] }],
    ['InlineStates must be an object of functions', { ClientInput, InlineStates: new Map([['tick', ClientInput]]) }],
    ['methods of a class go into ObjectStates', { ClientInput, InlineStates: new (class { tick(): void { /* never heard */ } })() }],
    ['Env must be an object of strings', { ClientInput, Env: new Map([['NAME', 'value']]) }],
  ])('refuses what would be taken and never run: %s %#', (part, given) => {
    expect(refused(given)).toContain(part);
  });

  it('puts values that cannot be looked at into its one error', () => {
    const shut = new Proxy({}, { get: () => { throw new Error('shut'); }, ownKeys: () => { throw new Error('shut'); } });
    const message = refused({ ClientInput, Admin: shut, Logger: shut, Env: shut, BlockList: shut, Proxy: shut, Tls: shut, InlineStates: shut, MaxServer: 'x' });

    for (const name of ['Admin', 'Logger', 'Env', 'BlockList', 'Proxy', 'Tls', 'InlineStates']) expect(message).toContain(`${name} cannot be read: shut.`);
    expect(message).toContain('MaxServer must be');
  });

  it.each([
    ['functions whose names begin as classes do', { ClientInput, InlineStates: { classify() { return 1; }, class() { return 1; } } }],
    ['a module of functions, which has no prototype', { ClientInput, InlineStates: Object.assign(Object.create(null) as object, { tick: ClientInput }) }],
    ['an Acceptor in place of the client side', { Acceptor: ClientInput, ClientInput: undefined }],
    ['all four marks', { ClientInput, HighMark: 10, LowMark: 5, ClientHigh: ClientInput, ClientLow: ClientInput }],
    ['a filter for each direction', { ClientInput, ClientInputFilter: 'Line', ClientOutputFilter: 'Line' }],
    ['IPv6 alone', { ClientInput, Address: '::1', Ipv6Only: true }],
    ['IPv6 alone, as far as a name says', { ClientInput, Hostname: 'localhost', Ipv6Only: true }],
    ['a list of addresses', { ClientInput, BlockList: ['10.0.0.0/8', '::1', '192.0.2.1-192.0.2.9'] }],
    ['a Unix socket', { ClientInput, Domain: 'unix', Address: '/run/server.sock' }],
    ['a user and its group', { ClientInput, User: 'nobody', Group: 'nogroup' }],
    ['events of the user', { ClientInput, InlineStates: { tick: ClientInput }, ObjectStates: [OWNER, ['tock'], OWNER, { tack: 'tock' }] }],
  ])('takes %s', (_title, given) => {
    expect(refused(given)).toBeUndefined();
  });

  it('throws nothing but PreforkError with code ERR_PREFORK_OPTION, whatever it is given (random)', () => {
    let taken = 0;
    for (const seed of seeds(3000)) {
      if (refused(randomOptions(new Seeded(seed), Object.keys(CHECKS))) === undefined) taken += 1;
    }
    expect(taken).toBeGreaterThan(10);
  });
});

describe('resolveChange', () => {
  it('merges a change into the previous options, and leaves those alone', () => {
    const before = { MaxServer: 10, MinServer: 2 };

    expect(changed(before, { MaxServer: 12, MaxSession: 5 })).toEqual({ MaxServer: 12, MinServer: 2, MaxSession: 5 });
    expect(before).toEqual({ MaxServer: 10, MinServer: 2 });
  });

  it('sends workers what is changed for clients, and nothing else of them', () => {
    const start = resolveOptions({ ClientInput, MaxOutput: 5, BlockList: ['10.0.0.1'] }, 'master');
    expect(start.worker.client).toBeUndefined();

    const first = resolveChange(start, { MaxOutput: 0, ClientCallbackTimeout: 1.5 });
    const second = resolveChange(first, { BlockList: ['10.0.0.0/8'], ClientCallbackTimeout: 0 });
    const third = resolveChange(second, { MaxOutput: undefined, BlockList: undefined, ClientCallbackTimeout: undefined });

    expect(first.worker.client).toEqual({ maxOutput: null, callbackMs: 1500 });
    expect(second.worker.client).toEqual({ maxOutput: null, callbackMs: null, blockList: ['10.0.0.0/8'] });
    expect(third.worker.client).toBeUndefined();
  });

  it('gives a worker its own options with what was changed', () => {
    const { client } = resolveOptions({ ClientInput, MaxOutput: 5, BlockList: ['10.0.0.1'] }, 'worker');

    expect(withChange(client, undefined)).toEqual(client);
    const changed = withChange(client, { maxOutput: null, callbackMs: 1500, blockList: ['192.0.2.0/24'] });
    expect(changed).toMatchObject({ maxOutput: Infinity, callbackMs: 1500, marks: client.marks });
    expect(['10.0.0.1', '192.0.2.7'].map((address) => changed.blockList?.check(address))).toEqual([false, true]);
  });

  it('takes a net.BlockList by its entries, and refuses an object that only knows how to check', () => {
    const list = new BlockList();
    list.addAddress('10.0.0.1');
    list.addSubnet('2001:db8::', 32, 'ipv6');
    list.addRange('192.0.2.1', '192.0.2.9');
    const start = resolveOptions({ ClientInput }, 'master');

    expect(resolveChange(start, { BlockList: list }).worker.client?.blockList?.toSorted()).toEqual(['10.0.0.1', '192.0.2.1-192.0.2.9', '2001:db8::/32']);
    expect(refusal(() => resolveChange(start, { BlockList: { check: () => true } }))).toContain('cannot be sent to workers');
    expect(refusal(() => resolveChange(start, { BlockList: ['nonsense'] }))).toContain('BlockList has "nonsense"');
  });

  it.each([
    ['a contradiction with the previous options', { MinServer: 8, StartServer: 8 }, { MaxServer: 5 }, 'MinServer (8) must not exceed MaxServer (5)'],
    ['a wrong type', {}, { MaxServer: 'many' }, 'MaxServer must be'],
    ['an option that is fixed at the start', {}, { Port: 80 }, 'Port is fixed while the server runs: change it in the program, then restart it or call upgrade().'],
    ['an option of its workers', {}, { ClientTimeout: 5 }, 'ClientTimeout is not changed by configure(): change it in the program, then call reload().'],
    ['a misspelt one', {}, { MaxSever: 3 }, 'did you mean MaxServer?'],
    ['something that is no object', {}, 7, 'needs an object'],
    ['null', {}, null, 'needs an object'],
  ])('refuses %s, and says that nothing changed', (_title, before, change, part) => {
    const message = refusal(() => changed(before, change));

    expect(message).toContain(part);
    expect(message).toContain('configure(');
  });

  it('throws nothing but PreforkError with code ERR_PREFORK_OPTION, whatever it is given (random)', () => {
    let taken = 0;
    for (const seed of seeds(3000)) {
      const random = new Seeded(seed);
      const change = randomOptions(random, Object.keys(POOL_CHECKS));
      if (refusal(() => changed(randomThresholds(random), change)) === undefined) taken += 1;
    }
    expect(taken).toBeGreaterThan(100);
  });
});

/** Options of which some may be right; now and then not even an object. */
function randomOptions(random: Seeded, names: readonly string[]): unknown {
  const junk: readonly unknown[] = [
    undefined, null, true, false, 0, 1, 2, 10, -1, 0.5, 1e21, NaN, Infinity, -Infinity, 3n, '', 'x', 'Line', Symbol('junk'),
    [], [[]], ['x'], [{}, ['_start']], [{}, {}], [null, [null]], {}, { a: 1 }, { check: ClientInput }, ClientInput, Map, Promise,
    new Date(NaN), /x/, new Map(), Object.create(null), new URL('http://localhost/'), ['Line', { MaxLength: 1 }], ['Line', null], [ClientInput],
  ];
  if (random.chance(0.03)) return random.pick(junk);
  // The options that have options of their own, of which some may be right.
  const parts = { Proxy: ['From', 'Version', 'Timeout'], Admin: ['Port', 'Address', 'Path', 'Token', 'Hosts', 'AgentPort'], Tls: ['key', 'cert', 'contexts', 'ALPNProtocols', 'SNICallback'] };
  const options: Record<string, unknown> = random.chance(0.9) ? { ClientInput } : {};
  for (let count = random.int(0, 4); count > 0; count--) {
    options[random.chance(0.05) ? random.pick(['MaxSever', '', '__proto__', 'toString']) : random.pick(names)] = random.pick(junk);
  }
  for (const [name, own] of Object.entries(parts)) {
    if (names.includes(name) && random.chance(0.1)) options[name] = Object.fromEntries(own.filter(() => random.chance(0.5)).map((part) => [part, random.pick([...junk, [7], '10.0.0.1', '-----BEGIN X'])]));
  }
  return random.chance(0.5) ? options : Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}
