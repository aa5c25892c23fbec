// An operator who tries every handle of a pool, in random order and without waiting, while its processes are stopped and killed.
import { performance } from 'node:perf_hooks';
import { PassThrough } from 'node:stream';
import type { ServerStatus } from 'prefork-tcp-server';
import { withMaster } from '../../support/master-process.js';
import type { MasterProcess, PrintedEvent } from '../../support/master-process.js';
import { isAlive, sendSignal } from '../../support/processes.js';
import { Seeded } from '../../support/seeded.js';
import { within } from '../../support/wait.js';
import { percentile } from '../figures.js';
import { Guests, MovingLimit, isExcused } from './guests.js';
import type { Killing } from './guests.js';
import { sleep } from './scenario.js';
import type { Scenario } from './scenario.js';

/** What is in force at the beginning and at the end. */
const AT_REST = {
  MaxServer: 8, StartServer: 4, MinServer: 4, MinSpareServer: 1, MaxSpareServer: 4, MaxSession: 12, MaxSessionPerServer: 3,
  MasterHeartBeatTime: 1, ServerHeartBeatTime: 0.5, MaxServerExpireTime: 3, MaxServerLifeTime: 0, MaxServerLifeTimes: 0, MaxServerSpareTime: 0,
};
/** No client is cut off by a drain. */
const GRACE = 40;
/** Between two orders. */
const MEAN_MS = 250;
const LONGEST_STOP_MS = 2500;
const SHORT_CLIENTS = 8;
const LASTING_CLIENTS = 10;

/** Gives orders to a master, and remembers what it has done. */
class Operator {
  readonly #master: MasterProcess;
  readonly #orders: PassThrough;
  readonly #random: Seeded;
  readonly #undone = new Set<Promise<unknown>>();
  readonly limits = { pool: new MovingLimit(AT_REST.MaxSession), worker: new MovingLimit(AT_REST.MaxSessionPerServer) };
  readonly killings: Killing[] = [];
  /** Workers that were stopped, killed or told to go: a reload may fail with them. */
  readonly touched = new Set<number>();
  readonly stopped = new Set<number>();
  done = 0;
  /** What was refused without a reason that the operator has given. */
  readonly refused: string[] = [];
  #number = 0;

  constructor(master: MasterProcess, orders: PassThrough, random: Seeded) {
    this.#master = master;
    this.#orders = orders;
    this.#random = random;
  }

  /** Does one of these things. What ends later, such as a pause, ends while others are done. */
  act(acts: readonly Act[]): void {
    const name = this.#random.pick(acts);
    this.done += 1;
    const undone = this[name]().finally(() => { this.#undone.delete(undone); });
    this.#undone.add(undone);
  }

  /** Waits until everything that was begun has been done. */
  async finish(): Promise<void> {
    await within(Promise.all(this.#undone), () => `the end of ${this.#undone.size} orders`);
  }

  /** Calls a method of the master. */
  async call(call: string, ...args: readonly unknown[]): Promise<PrintedEvent> {
    this.#number += 1;
    const number = this.#number;
    this.#orders.write(`${JSON.stringify({ number, call, args })}\n`);
    return this.#master.event('obeyed', (event: PrintedEvent) => event['number'] === number);
  }

  async configure(change: Partial<typeof AT_REST>): Promise<void> {
    if (change.MaxSession !== undefined) this.limits.pool.set(change.MaxSession);
    if (change.MaxSessionPerServer !== undefined) this.limits.worker.set(change.MaxSessionPerServer);
    const { failed } = await this.call('configure', change);
    if (failed !== undefined) this.refused.push(`configure ${JSON.stringify(change)}: ${JSON.stringify(failed)}`);
  }

  async pause(): Promise<void> {
    await Promise.all([this.call('pause'), sleep(this.#random.between(20, 1000))]);
    await this.call('resume');
  }

  async limit(): Promise<void> {
    await this.configure({ MaxSession: this.#random.int(4, 14), MaxSessionPerServer: this.#random.int(1, 4) });
  }

  async size(): Promise<void> {
    const MinServer = this.#random.int(1, 4);
    await this.configure({ MinServer, MaxServer: this.#random.int(4, 8), MinSpareServer: this.#random.int(0, 2), MaxSpareServer: this.#random.int(3, 4) });
  }

  async life(): Promise<void> {
    await this.configure({ MaxServerLifeTime: this.#random.pick([0, 1, 4]), MaxServerLifeTimes: this.#random.pick([0, 5, 50]), MaxServerSpareTime: this.#random.pick([0, 0.5]) });
  }

  async heartbeat(): Promise<void> {
    const time = this.#random.between(0.2, 1);
    await this.configure({ MasterHeartBeatTime: time * 2, ServerHeartBeatTime: time, MaxServerExpireTime: this.#random.between(3, 4) });
  }

  async reload(): Promise<void> {
    const { failed } = await this.call('reload', { settle: this.#random.between(0.05, 0.5) });
    const { pid } = (failed ?? {}) as { pid?: number };
    if (failed !== undefined && !this.touched.has(pid ?? 0)) this.refused.push(`reload: ${JSON.stringify(failed)}`);
  }

  async born(): Promise<void> {
    await this.call('born', this.#random.int(1, 3));
  }

  async term(): Promise<void> {
    await this.#withWorker(async (pid) => this.call('term', pid));
  }

  async kill(): Promise<void> {
    await this.#withWorker(async (pid) => this.#killing(pid, async () => this.call('kill', pid)));
  }

  async crash(): Promise<void> {
    await this.#withWorker(async (pid) => this.#killing(pid, () => { sendSignal(pid, 'SIGKILL'); }));
  }

  async stop(): Promise<void> {
    await this.#withWorker(async (pid) => {
      this.stopped.add(pid);
      await this.#stopFor(pid);
    });
  }

  async stall(): Promise<void> {
    await this.#stopFor(this.#master.pid);
  }

  async #stopFor(pid: number): Promise<void> {
    sendSignal(pid, 'SIGSTOP');
    await sleep(this.#random.magnitude(10, LONGEST_STOP_MS));
    sendSignal(pid, 'SIGCONT');
  }

  async #withWorker(act: (pid: number) => Promise<unknown>): Promise<void> {
    const { workers } = this.#master;
    const at = this.#random.next();
    const pid = workers[Math.floor(at * workers.length)];
    if (pid === undefined) return;
    this.touched.add(pid);
    await act(pid);
  }

  async #killing(pid: number, kill: () => unknown): Promise<void> {
    const killing = { pid, at: performance.now(), until: Infinity };
    this.killings.push(killing);
    await kill();
    killing.until = performance.now();
  }
}

type Act = 'pause' | 'limit' | 'size' | 'life' | 'heartbeat' | 'reload' | 'born' | 'term' | 'kill' | 'crash' | 'stop' | 'stall';

/** What leaves the limits as they are: as long as they are, clients see a single one too many. */
const ACTS: readonly Act[] = ['pause', 'size', 'life', 'heartbeat', 'reload', 'born', 'term', 'term', 'kill', 'crash', 'stop', 'stop', 'stall'];

/** Whether every worker is ready, and none has anything to do. */
const isAtRest = ({ paused, reloading, totals }: ServerStatus): boolean => !paused && reloading !== true
  && totals.workers === totals.ready && totals.ready >= AT_REST.MinServer && totals.draining === 0 && totals.connections === 0;

/** Every handle of a pool is tried while clients come, stay and queue up. */
export const operator: Scenario = async ({ seed, share }) => {
  const orders = new PassThrough();
  return withMaster({ program: 'operated.mjs', options: { ...AT_REST, GraceExpireTime: GRACE, ReloadSettleTime: 0.1 }, stdin: orders }, async (master) => {
    const random = new Seeded(seed);
    const one = new Operator(master, orders, random);
    const guests = new Guests(await master.up(), one.limits);
    await master.ready(AT_REST.StartServer);
    let isOver = false;
    const range = (index: number): readonly [number, number] => (index < SHORT_CLIENTS ? [0, 20] : [200, 3000]);
    const load = Promise.all(Array.from({ length: SHORT_CLIENTS + LASTING_CLIENTS }, async (_, index) => guests.come(new Seeded(seed * 1000 + index), range(index), () => isOver)));
    for (const acts of [ACTS, [...ACTS, 'limit', 'limit'] as const]) {
      for (const end = performance.now() + 10_000 * share; performance.now() < end;) {
        await sleep(Math.min(random.wait(MEAN_MS), 4 * MEAN_MS));
        one.act(acts);
      }
    }
    await one.finish();
    await one.configure(AT_REST);
    isOver = true;
    await load;

    const emptyAt = performance.now();
    const status = async (): Promise<ServerStatus> => (await one.call('status'))['result'] as ServerStatus;
    while (!isAtRest(await status()) && performance.now() < emptyAt + 15_000) await sleep(50);
    const restAfter = (performance.now() - emptyAt) / 1000;
    const last = await status();
    if (!isAtRest(last)) console.error(`not at rest: ${JSON.stringify(last)}`);

    const waits = guests.waits.length;
    await Promise.all(Array.from({ length: AT_REST.MaxSession }, async () => guests.visit(3000)));
    const full = guests.waits.slice(waits);
    const endedAt = performance.now();
    master.signal('SIGTERM');
    const { code } = await master.exit();
    const shutdown = (performance.now() - endedAt) / 1000;
    const lost = guests.lost.filter((client) => !isExcused(client, one.killings));
    const drained = master.all('worker:drain').filter(({ reason, pid }) => reason === 'expired' && !one.stopped.has(pid));
    for (const evidence of [...lost.map(({ evidence: text }) => `lost: ${text}`), ...guests.excesses, ...one.refused, ...drained.map(({ pid }) => `expired: ${pid}`)]) console.error(evidence);
    return [
      ['orders, signals and kills', one.done, ''],
      ['clients served', guests.served, ''],
      ['  ms until they were greeted, p50, of at most 30,000', percentile(guests.waits, 0.5), ''],
      ['  worst', Math.max(...guests.waits), ''],
      ['lost by the kill of their worker', guests.lost.length - lost.length, ''],
      ['lost otherwise', lost.length, 0],
      ['times that a limit was exceeded', guests.excesses.length, 0],
      ['orders refused without a reason', one.refused.length, 0],
      ['workers drained as stuck that were never stopped', drained.length, 0],
      ['seconds until the pool was at rest', restAfter, '<= 5'],
      [`clients at once that it takes then, of ${AT_REST.MaxSession}`, full.length, AT_REST.MaxSession],
      ['  ms until the last was greeted', Math.max(...full), '<= 1500'],
      ['exit code of the master', String(code), '0'],
      ['seconds to its end', shutdown, '<= 2'],
      ['processes left', master.born.filter(isAlive).length, 0],
    ];
  });
};
