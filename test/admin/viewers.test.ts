import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Viewers } from '../../src/admin/viewers.js';
import { ManualClock } from '../support/manual-clock.js';

/** A response that notes what is written to it, and can be slow. */
class FakeResponse extends EventEmitter {
  readonly written: string[] = [];
  takes = true;
  ended = false;

  write(chunk: Buffer): boolean {
    this.written.push(chunk.toString());
    return this.takes;
  }

  end(): void { this.ended = true; }

  destroy(): void { this.emit('close'); }
}

class Audience {
  readonly clock = new ManualClock();
  log = ['born'];
  serialized = 0;
  readonly viewers: Viewers = new Viewers({
    clock: this.clock, most: 3,
    parts: [
      { name: 'log', version: () => this.log, value: () => this.log },
      { name: 'board', version: () => undefined, value: () => { this.serialized += 1; return { now: this.clock.now() }; } },
    ],
  });

  add(): FakeResponse {
    const response = new FakeResponse();
    this.viewers.add(response as unknown as ServerResponse);
    return response;
  }
}

describe('Viewers', () => {
  it('sends everything first, then what has changed', () => {
    const audience = new Audience();
    const one = audience.add();
    audience.clock.advance(0);
    expect(one.written).toHaveLength(1);
    expect(one.written[0]).toMatch(/^event: log\ndata: \["born"\]\n\nevent: board\ndata: \{"now":\d+\}\n\n$/);

    audience.viewers.changed();
    audience.clock.advance(250);
    expect(one.written[1]).toMatch(/^event: board\n/);

    audience.log = ['ready', 'born'];
    audience.viewers.changed();
    audience.clock.advance(250);
    expect(one.written[2]).toMatch(/^event: log\ndata: \["ready","born"\]\n\nevent: board\n/);
  });

  it('pushes at most four times a second, however much changes, and every two seconds if nothing does', () => {
    const audience = new Audience();
    const one = audience.add();
    for (let step = 0; step < 999; step++) {
      audience.viewers.changed();
      audience.clock.advance(1);
    }
    const busy = one.written.length;
    audience.clock.advance(10_000);

    expect(busy).toBeLessThanOrEqual(4);
    expect(one.written.length - busy).toBe(5);
  });

  it('makes each push once for all', () => {
    const audience = new Audience();
    const all = [audience.add(), audience.add(), audience.add()];
    audience.clock.advance(2000);

    expect(all.map(({ written }) => written.length)).toEqual([2, 2, 2]);
    expect(audience.serialized).toBe(2);
    expect(audience.viewers.isFull).toBe(true);
  });

  it('leaves a slow viewer out until it takes more, shows it the present then, and lets a dead one go', () => {
    const audience = new Audience();
    const [slow, dead] = [audience.add(), audience.add()];
    slow.takes = dead.takes = false;
    audience.clock.advance(4000);
    expect(slow.written).toHaveLength(1);

    audience.log = ['ready'];
    slow.takes = true;
    slow.emit('drain');
    audience.clock.advance(2000);
    expect(slow.written.at(-1)).toContain('["ready"]');
    audience.clock.advance(30_000);
    expect([dead.written.length, audience.viewers.count]).toEqual([1, 1]);
  });

  it('does nothing while there is no viewer', () => {
    const audience = new Audience();
    audience.add().destroy();
    audience.viewers.changed();
    audience.clock.advance(10_000);

    expect(audience.serialized).toBe(0);
  });

  it('shows the end before it lets everybody go', () => {
    const audience = new Audience();
    const one = audience.add();
    audience.clock.advance(0);
    audience.viewers.close();

    expect([one.written.length, one.ended]).toEqual([2, true]);
  });
});
