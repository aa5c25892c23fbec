import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../src/session/event-queue.js';
import type { WorkerRuntime } from '../../src/worker/runtime.js';
import { addServerAliases } from '../../src/worker/server-aliases.js';
import { ManualClock } from '../support/manual-clock.js';

/** The server's places in the queue, and what reaches the worker through them. */
function setUp(): { post: (target: string, event: string, ...args: unknown[]) => void; told: unknown[][] } {
  const clock = new ManualClock();
  const queue = new EventQueue(clock);
  const told: unknown[][] = [];
  const runtime: Partial<WorkerRuntime> = {
    shutdown: () => { told.push(['shutdown']); },
    shutdownAll: () => { told.push(['shutdownAll']); },
    pause: (on) => { told.push(['pause', on]); },
    setConcurrency: (clients) => { told.push(['setConcurrency', clients]); },
    giveBack: (socket) => { told.push(['giveBack', socket]); },
    failed: (error, where) => { told.push(['failed', (error as Error & { code?: unknown }).code, where]); },
  };
  addServerAliases(queue, runtime as WorkerRuntime, { alias: 'server', masterAlias: 'manager' });
  const sender = { ID: queue.nextId() };
  return {
    told,
    post(target, event, ...args) {
      const found = queue.find(target);
      if (found === undefined) throw new Error(`Nobody is called ${target}.`);
      queue.post(found, { event, args, sender });
      clock.settle();
    },
  };
}

describe('events for the server and its manager', () => {
  it.each<[string, string, unknown[], unknown[][]]>([
    ['manager', 'shutdown', [], [['shutdown']]],
    ['manager', 'shutdown_all', [], [['shutdownAll']]],
    ['manager', 'pause', [], [['pause', true]]],
    ['manager', 'resume', [], [['pause', false]]],
    ['server', 'shutdown', [], [['shutdown']]],
    ['server', 'set_concurrency', [3], [['setConcurrency', 3]]],
    ['server', 'set_concurrency', [-1], [['setConcurrency', -1]]],
    ['server', 'disconnected', [], [['giveBack', undefined]]],
    ['server', 'disconnected', ['socket'], [['giveBack', 'socket']]],
  ])('%s takes %s', (target, event, args, expected) => {
    const { post, told } = setUp();

    post(target, event, ...args);

    expect(told).toEqual(expected);
  });

  it.each<[string, string, unknown[]]>([
    ['server', 'set_concurrency', [-2]],
    ['server', 'set_concurrency', [1.5]],
    ['server', 'set_concurrency', ['3']],
    ['server', 'set_concurrency', []],
    ['server', 'no such event', []],
    ['server', 'constructor', []],
    ['manager', 'toString', []],
  ])('%s reports %s with what it cannot take, and does nothing', (target, event, args) => {
    const { post, told } = setUp();

    post(target, event, ...args);

    expect(told).toEqual([['failed', 'ERR_PREFORK_STATE', `event for ${target}`]]);
  });
});
