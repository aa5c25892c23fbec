import { describe, expect, it } from 'vitest';
import { EventQueue, type Receiver } from '../../src/session/event-queue.js';
import { crashed } from './owners.js';
import { ManualClock } from '../support/manual-clock.js';

interface Setup {
  readonly clock: ManualClock;
  readonly queue: EventQueue;
  readonly handled: unknown[][];
  readonly add: (act?: (event: string) => void) => Receiver;
}

/** A queue with targets that note what they are given. */
function setUp(): Setup {
  const clock = new ManualClock();
  const queue = new EventQueue(clock);
  const handled: unknown[][] = [];
  return {
    clock, queue, handled,
    add(act = () => undefined) {
      const target: Receiver = {
        reference: { ID: queue.nextId() },
        crashed,
        handle: (event, args, sender) => {
          handled.push([target.reference.ID, event, ...args, sender.ID]);
          act(event);
        },
        call: () => undefined,
      };
      queue.add(target);
      return target;
    },
  };
}

describe('an event queue', () => {
  it('delivers in the order of posting, in a later turn, to whomever they are for', () => {
    const { clock, queue, handled, add } = setUp();
    const [one, two] = [add(), add()];

    queue.post(two, { event: 'first', args: ['x'], sender: one.reference });
    queue.post(one, { event: 'second', args: [], sender: two.reference });
    queue.post(two, { event: 'third', args: [], sender: two.reference });
    const before = handled.length;
    clock.settle();

    expect(before).toBe(0);
    expect(handled).toEqual([[2, 'first', 'x', 1], [1, 'second', 2], [2, 'third', 2]]);
  });

  it('lets others have their turn while many events are delivered, and keeps the order', () => {
    const order: string[] = [];
    const { clock, queue, add } = setUp();
    const busy = add((event) => {
      order.push(event);
      clock.sleep(1);
      if (event === '3') queue.post(busy, { event: 'later', args: [], sender: busy.reference });
    });
    const events = Array.from({ length: 20 }, (_, index) => String(index));
    for (const event of events) queue.post(busy, { event, args: [], sender: busy.reference });
    clock.soon(() => { order.push('input'); });

    clock.settle();

    expect(order.filter((what) => what !== 'input')).toEqual([...events, 'later']);
    expect(order.indexOf('input')).toBeLessThan(10);
  });

  it('lets what is posted meanwhile wait for the next turn, so that others get theirs', () => {
    const turns: string[] = [];
    const { clock, queue, add } = setUp();
    const endless = add((event) => {
      turns.push(event);
      if (turns.length < 5) queue.post(endless, { event: 'again', args: [], sender: endless.reference });
    });
    queue.post(endless, { event: 'again', args: [], sender: endless.reference });
    clock.soon(() => { turns.push('input'); });

    clock.settle();

    expect(turns.slice(0, 3)).toEqual(['again', 'input', 'again']);
  });

  it('lets others have their turn while many timers are late, which Node calls one after the other', () => {
    const { clock, queue } = setUp();
    const order: unknown[] = [];
    for (let index = 0; index < 40; index++) {
      queue.onTime({ crashed }, () => {
        order.push(index);
        clock.sleep(1);
      });
    }
    clock.soon(() => { order.push('input'); });
    const atOnce = order.length;

    clock.settle();

    expect(atOnce).toBeLessThan(10);
    expect(order.filter((what) => what !== 'input')).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(order.indexOf('input')).toBeLessThan(20);
  });

  it('runs a timer that is not late together with others at once', () => {
    const { clock, queue } = setUp();
    const ran: number[] = [];
    for (let index = 0; index < 10; index++) {
      queue.onTime({ crashed }, () => {
        ran.push(index);
        clock.sleep(10);
      });
      expect(ran).toHaveLength(index + 1);
      clock.settle();
    }
  });

  it('finds targets by ID, by themselves and by their names', () => {
    const { queue, add } = setUp();
    const target = add();
    queue.setAlias(target, 'name');

    expect([queue.find(target.reference.ID), queue.find(target.reference), queue.find('name'), queue.find('other'), queue.find(99)])
      .toEqual([target, target, target, undefined, undefined]);
  });

  it('gives a name only once, and to its holder again', () => {
    const { queue, add } = setUp();
    const [one, two] = [add(), add()];

    expect([queue.setAlias(one, 'name'), queue.setAlias(two, 'name'), queue.setAlias(one, 'name')]).toEqual([true, false, true]);
    expect(queue.find('name')).toBe(one);
  });

  it('takes a name only from its holder', () => {
    const { queue, add } = setUp();
    const [one, two] = [add(), add()];
    queue.setAlias(one, 'name');

    expect([queue.removeAlias(two, 'name'), queue.removeAlias(one, 'name'), queue.removeAlias(one, 'name')]).toEqual([false, true, false]);
    expect(queue.setAlias(two, 'name')).toBe(true);
  });

  it('forgets a target and its names, and no others', () => {
    const { queue, add } = setUp();
    const [one, two] = [add(), add()];
    queue.setAlias(one, 'one');
    queue.setAlias(two, 'two');

    queue.remove(one, ['one', 'two']);

    expect([queue.find(one.reference), queue.find('one'), queue.find('two')]).toEqual([undefined, undefined, two]);
  });

  it('never gives an ID twice', () => {
    const { queue, add } = setUp();
    const first = add();
    queue.remove(first, []);

    expect(add().reference.ID).not.toBe(first.reference.ID);
  });
});
