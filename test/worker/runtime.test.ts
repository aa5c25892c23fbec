import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../src/ipc/protocol.js';
import type { WelcomeOrder } from '../../src/ipc/protocol.js';
import type { WorkerConfig } from '../../src/policy/snapshot.js';
import { DescriptorGuard } from '../../src/worker/descriptors.js';
import type { ListenerEvents } from '../../src/worker/listener.js';
import { WorkerRuntime } from '../../src/worker/runtime.js';
import { deferred } from '../support/deferred.js';
import { FakeCopy, FakeListener } from '../support/fake-listener.js';
import { ManualClock, turn } from '../support/manual-clock.js';
import { MemoryChannel } from '../support/memory-channel.js';
import { TestClient, TestClients, type Given } from '../session/session-fixture.js';

const CONFIG: WorkerConfig = { heartbeatMs: 5000, graceMs: 20_000, maxClients: null, concurrency: null, maxServed: null };
const WELCOME: WelcomeOrder = {
  type: 'welcome', config: CONFIG, paused: false, share: null, backlog: 511, endWithMaster: false, address: '/tmp/socket', ticketKeys: null,
};

interface WorkerGiven {
  readonly serverStarted?: () => unknown;
  readonly serverStopped?: () => unknown;
  readonly descriptors?: DescriptorGuard;
  readonly clients?: Given;
}

/** A worker in this process: its master is the test, its clients are in memory. */
class Worker {
  readonly clock = new ManualClock();
  readonly line = new MemoryChannel();
  readonly listener = new FakeListener();
  readonly runtime: WorkerRuntime;
  readonly exits: number[] = [];
  readonly calls: string[] = [];
  backlog = 0;
  clients!: TestClients;
  #events: ListenerEvents | undefined;

  constructor({ serverStarted, serverStopped, descriptors = new DescriptorGuard({ limit: Infinity, countOpen: () => 0 }), clients = {} }: WorkerGiven = {}) {
    this.runtime = new WorkerRuntime({
      line: this.line,
      clock: this.clock,
      given: {},
      createListener: (events, backlog) => {
        this.#events = events;
        this.backlog = backlog;
        return this.listener;
      },
      createClients: (left) => {
        this.clients = new TestClients(clients, { clock: this.clock, left });
        return this.clients.clients;
      },
      descriptors,
      watchdog: undefined,
      serverStarted: () => {
        this.calls.push('ServerStarted');
        return serverStarted?.();
      },
      serverStopped: () => {
        this.calls.push('ServerStopped');
        return serverStopped?.();
      },
      exit: (code) => { this.exits.push(code); },
    });
    this.runtime.start();
  }

  /** Is welcomed. */
  async welcome(change: Partial<WelcomeOrder> = {}): Promise<this> {
    this.line.order({ ...WELCOME, ...change });
    await turn();
    return this;
  }

  /** Is welcomed, and may accept. */
  async boot(change: Partial<WelcomeOrder> = {}): Promise<this> {
    await this.welcome(change);
    for (let count = 0; count < 4; count++) this.line.order({ type: 'copy' }, new FakeCopy());
    this.line.order({ type: 'permit', ceiling: 1000, pulseMs: 1000 });
    return this;
  }

  /** A client connects, if the listener is open. */
  async connect(): Promise<TestClient> {
    if (!this.listener.isOpen) throw new Error('The worker does not accept.');
    const client = new TestClient();
    this.#events?.connection(client.socket);
    await turn();
    return client;
  }

  /** The kernel refuses to listen. */
  refuse(code: string): void {
    this.#events?.error(Object.assign(new Error(`listen ${code}`), { code }));
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      this.clock.settle();
      await turn();
    }
  }
}

describe('a worker that starts', () => {
  it('says hello with its version of the protocol, and waits', () => {
    const { line, calls } = new Worker();

    expect(line.facts).toEqual([{ type: 'hello', version: PROTOCOL_VERSION }]);
    expect(calls).toEqual([]);
  });

  it('calls ServerStarted and says that it is ready', async () => {
    const worker = await new Worker().welcome();

    expect(worker.line.types).toEqual(['hello', 'ready']);
    expect(worker.calls).toEqual(['ServerStarted']);
    expect([worker.runtime.address, worker.backlog]).toEqual(['/tmp/socket', 511]);
  });

  it('is not ready before ServerStarted is', async () => {
    const start = deferred();
    const worker = await new Worker({ serverStarted: () => start.promise }).welcome();
    const before = [...worker.line.types];

    start.resolve();
    await turn();

    expect(before).toEqual(['hello']);
    expect(worker.line.types).toEqual(['hello', 'ready']);
  });

  it('resolves ready() then, whenever it is asked', async () => {
    const worker = new Worker();
    const early = worker.runtime.ready();

    await worker.welcome();

    await expect(early).resolves.toBeUndefined();
    await expect(worker.runtime.ready()).resolves.toBeUndefined();
  });

  it.each([
    ['throws', () => { throw new TypeError('no database'); }],
    ['rejects', () => Promise.reject(new TypeError('no database'))],
  ])('tells why and ends with code 1 when ServerStarted %s', async (_title, serverStarted) => {
    const worker = await new Worker({ serverStarted }).welcome();

    expect(worker.line.of('boot-failed')).toMatchObject([{ error: { name: 'TypeError', message: 'no database', where: 'ServerStarted' } }]);
    expect(worker.exits).toEqual([1]);
    expect(worker.line.types).not.toContain('ready');
    expect(worker.calls).toEqual(['ServerStarted']);
  });

  it('refuses a master that does not know the token', () => {
    const worker = new Worker();

    worker.line.welcomeStrange();

    expect(worker.line.of('boot-failed')).toMatchObject([{ error: { code: 'ERR_PREFORK_STATE', where: 'start' } }]);
    expect(worker.exits).toEqual([1]);
    expect(worker.calls).toEqual([]);
  });

  it('is welcomed only once', async () => {
    const worker = await new Worker().welcome();

    worker.line.welcomeStrange();
    await worker.welcome();

    expect(worker.line.types).toEqual(['hello', 'ready']);
    expect(worker.exits).toEqual([]);
  });

  it('does nothing of what it is ordered before it is welcomed', async () => {
    const worker = new Worker();

    worker.line.order({ type: 'permit', ceiling: 1000, pulseMs: 1000 });
    worker.line.order({ type: 'pause' });
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 0, lastCallMs: 0 });
    await worker.boot();

    expect(worker.exits).toEqual([]);
    expect(worker.listener.isOpen).toBe(true);
  });

  it('says nothing of its state before it is ready, but shows that it lives', async () => {
    const worker = await new Worker({ serverStarted: () => deferred().promise }).boot();

    worker.clock.advance(2 * CONFIG.heartbeatMs);

    expect(worker.line.types.filter((type) => type !== 'pulse')).toEqual(['hello', 'heartbeat', 'heartbeat']);
  });

  it('is paused from the beginning if the pool is', async () => {
    const worker = await new Worker().boot({ paused: true });
    const before = worker.listener.isOpen;

    worker.line.order({ type: 'resume' });

    expect([before, worker.listener.isOpen]).toEqual([false, true]);
  });
});

describe('a worker that serves', () => {
  it('reports its clients, its permit and its copies', async () => {
    const worker = await new Worker().boot();
    await worker.connect();
    worker.clock.advance(100);

    expect(worker.line.state).toEqual({
      clients: 1, served: 1, copiesUsed: 1, accepting: true, permit: 'held', ordersSeen: 1, paused: [], reportMs: CONFIG.heartbeatMs, pulseMs: 1000, share: null, draining: false,
    });
  });

  it('has reported that it is spare no longer, or full, before any callback of the client that makes it so', async () => {
    const reported: unknown[] = [];
    const note = (callback: string): void => {
      const { clients, accepting } = worker.line.state ?? {};
      reported.push({ callback, clients, accepting });
    };
    const worker = new Worker({
      clients: {
        preConnect: ({ socket }: { readonly socket: Socket }) => {
          note('ClientPreConnect');
          return socket;
        },
        callbacks: { connected: () => { note('ClientConnected'); }, input: () => { note('ClientInput'); } },
      },
    });
    await worker.boot({ config: { ...CONFIG, maxClients: 2 } });

    for (let count = 0; count < 2; count++) {
      const client = await worker.connect();
      await worker.settle();
      await client.send('line\n');
    }

    const each = ['ClientPreConnect', 'ClientConnected', 'ClientInput'];
    expect(reported).toEqual([
      ...each.map((callback) => ({ callback, clients: 1, accepting: true })),
      ...each.map((callback) => ({ callback, clients: 2, accepting: false })),
    ]);
  });

  it('notices with a heartbeat that a client was sent to another process, of which nothing informs it', async () => {
    const worker = await new Worker().boot();
    await worker.connect();
    const client = await worker.connect();
    (client.socket as unknown as { _handle: null })._handle = null;

    worker.clock.advance(CONFIG.heartbeatMs);

    expect(worker.line.of('heartbeat')).toMatchObject([{ state: { clients: 1 } }]);
  });

  it('sends a heartbeat with its memory and how late it is', async () => {
    const worker = await new Worker().boot();
    worker.clock.sleep(CONFIG.heartbeatMs + 70);

    worker.clock.settle();

    const [beat] = worker.line.of('heartbeat');
    expect(beat?.vitals.loopDelayMs).toBe(70);
    expect(beat?.vitals.rss).toBeGreaterThan(1e6);
    expect(beat?.vitals.heapUsed).toBeGreaterThan(1e6);
  });

  it('takes a new configuration at once: heartbeat and limits', async () => {
    const worker = await new Worker().boot();
    await worker.connect();

    worker.line.order({ type: 'configure', config: { ...CONFIG, heartbeatMs: 1000, maxClients: 1 } });
    const isOpen = worker.listener.isOpen;
    worker.clock.advance(5000);

    expect(isOpen).toBe(false);
    expect(worker.line.of('heartbeat')).toHaveLength(5);
  });

  it('keeps its share of MaxSession, and says which one it keeps', async () => {
    const worker = await new Worker().boot({ share: 0 });
    const before = worker.listener.isOpen;

    worker.line.order({ type: 'share', clients: 1 });
    await worker.connect();
    worker.clock.advance(100);

    expect([before, worker.listener.isOpen]).toEqual([false, false]);
    expect(worker.line.state).toMatchObject({ share: 1, paused: ['pool-limit'] });
  });

  it('pauses and resumes for its master and for its callbacks, each for itself', async () => {
    const worker = await new Worker().boot();
    const open: boolean[] = [];

    for (const step of [
      () => { worker.runtime.pause(true); },
      () => { worker.line.order({ type: 'pause' }); },
      () => { worker.runtime.pause(false); },
      () => { worker.line.order({ type: 'resume' }); },
    ]) {
      step();
      open.push(worker.listener.isOpen);
    }

    expect(open).toEqual([false, false, false, true]);
  });

  it('takes set_concurrency: 0 lets no client in, -1 any number', async () => {
    const worker = await new Worker().boot();
    const open: boolean[] = [];

    for (const clients of [0, -1]) {
      worker.runtime.setConcurrency(clients);
      open.push(worker.listener.isOpen);
    }

    expect(open).toEqual([false, true]);
  });

  it('ignores a copy order whose handle got lost', async () => {
    const worker = await new Worker().welcome();

    worker.line.order({ type: 'copy' });
    worker.line.order({ type: 'permit', ceiling: 1000, pulseMs: 1000 });

    expect(worker.listener.isOpen).toBe(false);
  });

  it('reports that it cannot listen', async () => {
    const worker = await new Worker().boot();

    worker.refuse('EADDRINUSE');

    expect(worker.line.of('listen-failed')).toEqual([{ type: 'listen-failed', code: 'EADDRINUSE', message: 'listen EADDRINUSE' }]);
    expect(worker.line.state?.accepting).toBe(false);
  });

  it('pulses at the interval that its permit asks for, and slowly again without one', async () => {
    const worker = await new Worker().boot();
    worker.line.order({ type: 'permit', ceiling: 9, pulseMs: 20 });
    const watched = worker.line.state?.pulseMs;
    const before = worker.line.of('pulse').length;
    worker.clock.advance(100);
    const pulses = worker.line.of('pulse').length - before;

    worker.line.order({ type: 'withdraw' });

    expect([watched, pulses, worker.line.state?.pulseMs]).toEqual([20, 5, 1000]);
  });

  it('answers a question of the master at once', async () => {
    const worker = await new Worker().boot();
    const seen = worker.line.state?.ordersSeen ?? 0;

    worker.line.order({ type: 'probe' });

    expect(worker.line.state?.ordersSeen).toBe(seen + 1);
  });

  it('stops accepting before it is out of open files, and says so once', async () => {
    let open = 50;
    const worker = await new Worker({ descriptors: new DescriptorGuard({ limit: 64, countOpen: () => open }) }).boot();
    open = 60;
    await worker.connect();
    const isOpen = worker.listener.isOpen;
    worker.clock.advance(CONFIG.heartbeatMs);

    open = 20;
    worker.clock.advance(CONFIG.heartbeatMs);

    expect([isOpen, worker.listener.isOpen]).toEqual([false, true]);
    expect(worker.line.of('failed')).toMatchObject([{ error: { code: 'ERR_PREFORK_DESCRIPTORS', where: 'accept' } }]);
  });

  it('asks for the end of the pool', async () => {
    const worker = await new Worker().boot();

    worker.runtime.shutdownAll();

    expect(worker.line.types).toContain('shutdown-all');
    expect(worker.exits).toEqual([]);
  });
});

describe('a worker that drains', () => {
  it('ends at once without clients, after ServerStopped, with code 0', async () => {
    const worker = await new Worker().boot();

    worker.line.order({ type: 'drain', reason: 'surplus', graceMs: 20_000, lastCallMs: 0 });
    await worker.settle();

    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'surplus' }]);
    expect(worker.calls).toEqual(['ServerStarted', 'ServerStopped']);
    expect(worker.exits).toEqual([0]);
    expect(worker.listener.isOpen).toBe(false);
  });

  it('lets its clients finish, and ends the moment the last one leaves', async () => {
    const worker = await new Worker({ clients: { callbacks: { input: ({ heap, input }: { heap: { client: { put(text: string): void } }; input: string }) => { heap.client.put(input); } } } }).boot();
    const [first, second] = [await worker.connect(), await worker.connect()];
    worker.line.order({ type: 'drain', reason: 'lifetime', graceMs: 20_000, lastCallMs: 0 });
    await first.send('still there\r\n');
    await first.end();
    await worker.settle();
    const early = worker.exits.length;

    await second.end();
    await worker.settle();

    expect(first.text).toBe('still there\r\n');
    expect(early).toBe(0);
    expect(worker.exits).toEqual([0]);
  });

  it('goes on with its heartbeats and reports', async () => {
    const worker = await new Worker().boot();
    await worker.connect();
    worker.line.order({ type: 'drain', reason: 'lifetime', graceMs: null, lastCallMs: 0 });

    worker.clock.advance(3 * CONFIG.heartbeatMs);

    expect(worker.line.of('heartbeat')).toHaveLength(3);
    expect(worker.line.state).toMatchObject({ clients: 1, draining: true, accepting: false });
    expect(worker.exits).toEqual([]);
  });

  it('ends its clients at the deadline, and then itself', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();
    worker.line.order({ type: 'drain', reason: 'lifetime', graceMs: 20_000, lastCallMs: 0 });

    worker.clock.advance(19_999);
    await worker.settle();
    const early = [client.isClosed, worker.exits.length];
    worker.clock.advance(1);
    await worker.settle();

    expect(early).toEqual([false, 0]);
    expect([client.isClosed, worker.exits]).toEqual([true, [0]]);
  });

  it('waits without end if it has no deadline', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();

    worker.line.order({ type: 'drain', reason: 'lifetime', graceMs: null, lastCallMs: 0 });
    worker.clock.advance(24 * 3600 * 1000);
    await worker.settle();

    expect([client.isClosed, worker.exits]).toEqual([false, []]);
  });

  it('informs its clients of it, with the seconds they have', async () => {
    const deadlines: number[] = [];
    const worker = await new Worker({ clients: { callbacks: { draining: ({ deadline }: { deadline: number }) => { deadlines.push(deadline); } } } }).boot();
    await worker.connect();

    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 20_000, lastCallMs: 0 });
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 1000, lastCallMs: 0 });

    expect(deadlines).toEqual([20]);
    expect(worker.line.of('draining')).toHaveLength(1);
  });

  it('does so because a callback asks for it, with the grace of its configuration', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();

    worker.runtime.shutdown();
    worker.clock.advance(20_000);
    await worker.settle();

    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'asked', graceMs: 20_000 }]);
    expect(client.isClosed).toBe(true);
  });

  it('tells the master how long it gives to its clients if its own program says so', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();

    worker.runtime.shutdown(60_000);
    worker.clock.advance(59_999);

    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'asked', graceMs: 60_000 }]);
    expect(client.isClosed).toBe(false);
  });

  it('keeps to the time that it was given when its program asks once more; but a shorter one counts', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 60_000, lastCallMs: 0 });

    worker.runtime.shutdown();
    worker.clock.advance(30_000);
    const early = client.isClosed;
    worker.runtime.shutdown(1000);
    worker.clock.advance(1000);

    expect([early, client.isClosed]).toEqual([false, true]);
  });

  it('at SIGTERM asks the master, since the pool may end as a whole, and goes on when it has to stay', async () => {
    const worker = await new Worker().boot();

    worker.runtime.signalled();
    worker.line.order({ type: 'stay' });
    worker.clock.advance(60_000);

    expect(worker.line.of('signalled')).toHaveLength(1);
    expect(worker.line.of('draining')).toEqual([]);
    expect(worker.listener.isOpen).toBe(true);
  });

  it('at SIGTERM takes the last call of a pool that ends', async () => {
    const worker = await new Worker().boot();

    worker.runtime.signalled();
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: null, lastCallMs: 1000 });

    expect(worker.listener.isOpen).toBe(true);
    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'shutdown' }]);
  });

  it('lets the queue grow no more in the last call, and takes who still waits when another worker has found it empty', async () => {
    const worker = await new Worker().boot();
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: null, lastCallMs: 1000 });
    expect([worker.listener.isNarrow, worker.listener.isOpen]).toEqual([true, true]);

    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: null, lastCallMs: 0 });
    await worker.connect();
    expect(worker.listener.isOpen).toBe(true);
    worker.clock.settle();

    expect(worker.listener.isOpen).toBe(false);
    expect(worker.exits).toEqual([]);
  });

  it('at SIGTERM drains by itself if the master does not answer, since it is stopped', async () => {
    const worker = await new Worker().boot();
    await worker.connect();

    worker.runtime.signalled();
    worker.clock.advance(1999);
    expect(worker.line.of('draining')).toEqual([]);
    worker.clock.advance(1);

    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'asked', graceMs: 20_000 }]);
    expect(worker.listener.isOpen).toBe(false);
  });

  it('goes on with the last call when its program asks for its end', async () => {
    const worker = await new Worker().boot();
    worker.line.order({ type: 'withdraw' });
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: null, lastCallMs: 1000 });

    worker.runtime.shutdown();
    worker.clock.advance(500);
    const early = worker.line.state?.draining;
    worker.clock.advance(500);

    expect([early, worker.line.state?.draining]).toEqual([false, true]);
  });

  it('gives up the copies that come too late', async () => {
    const worker = await new Worker().boot();
    await worker.connect();
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: null, lastCallMs: 0 });
    const copy = new FakeCopy();

    worker.line.order({ type: 'copy' }, copy);
    worker.line.order({ type: 'permit', ceiling: 1000, pulseMs: 1000 });

    expect([copy.isClosed, worker.listener.isOpen]).toEqual([true, false]);
  });

  it('ends without ServerStopped if it is still starting', async () => {
    const start = deferred();
    const worker = await new Worker({ serverStarted: () => start.promise }).welcome();

    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 20_000, lastCallMs: 0 });
    await worker.settle();
    start.resolve();
    await worker.settle();

    expect(worker.calls).toEqual(['ServerStarted']);
    expect(worker.exits).toEqual([0]);
    expect(worker.line.types).not.toContain('ready');
  });

  it('calls ServerStopped in the async context of the process, whoever has asked for it and whichever client was the last', async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const worker = await new Worker({ serverStopped: () => { seen.push(store.getStore()); } }).boot();
    const client = await worker.connect();

    store.run('who asks', () => { worker.runtime.shutdown(); });
    await store.run('the last client', async () => {
      await client.end();
      await worker.settle();
    });

    expect(worker.exits).toEqual([0]);
    expect(seen).toEqual([undefined]);
  });

  it('waits for ServerStopped, and reports what it throws', async () => {
    const stop = deferred();
    const worker = await new Worker({ serverStopped: () => stop.promise }).boot();
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 20_000, lastCallMs: 0 });
    await worker.settle();
    const early = worker.exits.length;

    stop.reject(new Error('could not flush'));
    await worker.settle();

    expect(early).toBe(0);
    expect(worker.exits).toEqual([0]);
    expect(worker.line.of('failed')).toMatchObject([{ error: { message: 'could not flush', where: 'ServerStopped' } }]);
  });
});

describe('MaxServerLifeTimes', () => {
  const config = { ...CONFIG, maxServed: 3 };

  it('is exact: the last client is served, and no other is taken', async () => {
    const worker = await new Worker().boot({ config });
    await worker.connect();
    await worker.connect();
    const before = worker.line.types.includes('draining');
    const last = await worker.connect();
    await worker.settle();

    expect([before, worker.listener.isOpen, last.isClosed]).toEqual([false, false, false]);
    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'lifetimes', graceMs: 20_000 }]);
    expect(worker.exits).toEqual([]);
  });

  it('gives the last client the time that was configured when it came, whatever is configured later', async () => {
    const worker = await new Worker().boot({ config: { ...config, maxServed: 1 } });
    const client = await worker.connect();

    worker.line.order({ type: 'configure', config: { ...config, maxServed: 1, graceMs: 100 } });
    worker.clock.advance(19_999);
    const early = client.isClosed;
    worker.clock.advance(1);

    expect([early, client.isClosed]).toEqual([false, true]);
  });

  it('ends the last call of the worker that has reached it, and says that this is why', async () => {
    const worker = await new Worker().boot({ config });
    worker.line.order({ type: 'drain', reason: 'shutdown', graceMs: 60_000, lastCallMs: 1000 });
    const clients = [await worker.connect(), await worker.connect(), await worker.connect()];

    worker.clock.advance(100);
    const { state } = worker.line;
    worker.clock.advance(59_000);

    expect(state).toMatchObject({ draining: true, paused: ['lifetimes'] });
    expect(clients.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
  });

  it('does not count those that are turned away', async () => {
    let isOpen = false;
    const admission = { block: () => undefined, admit: () => isOpen, release: () => undefined };
    const worker = await new Worker({ clients: { admission } }).boot({ config });
    for (let count = 0; count < 10; count++) await worker.connect();
    const before = worker.line.state?.served;

    isOpen = true;
    await worker.connect();
    worker.clock.advance(100);

    expect([before, worker.line.state?.served]).toEqual([0, 1]);
  });

  it('can be lowered below what it has had', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();
    await client.end();

    worker.line.order({ type: 'configure', config: { ...config, maxServed: 1 } });
    await worker.settle();

    expect(worker.line.of('draining')).toEqual([{ type: 'draining', reason: 'lifetimes', graceMs: 20_000 }]);
    expect(worker.exits).toEqual([0]);
  });
});

describe('a worker whose master is gone', () => {
  it('serves its clients on, and ends when they have left', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();

    worker.line.close();
    await worker.settle();
    const early = [worker.listener.isOpen, client.isClosed, worker.exits.length];
    await client.end();
    await worker.settle();

    expect(early).toEqual([false, false, 0]);
    expect(worker.exits).toEqual([0]);
    expect(worker.calls).toContain('ServerStopped');
  });

  it('serves them no longer than in a drain', async () => {
    const worker = await new Worker().boot();
    const client = await worker.connect();

    worker.line.close();
    worker.clock.advance(20_000);
    await worker.settle();

    expect([client.isClosed, worker.exits]).toEqual([true, [0]]);
  });

  it('ends at once with ShutdownChildren', async () => {
    const worker = await new Worker().boot({ endWithMaster: true });
    await worker.connect();

    worker.line.close();

    expect(worker.exits).toEqual([1]);
  });

  it('ends at once if it was never welcomed', () => {
    const worker = new Worker();

    worker.line.close();

    expect(worker.exits).toEqual([1]);
  });

  it('does not hang without end in ServerStopped', async () => {
    const worker = await new Worker({ serverStopped: () => deferred().promise }).boot();

    worker.line.close();
    worker.clock.advance(60_000);
    await worker.settle();

    expect(worker.exits).toEqual([1]);
  });
});
