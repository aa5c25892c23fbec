import { AsyncResource } from 'node:async_hooks';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { AnyFilter, Layer } from '../../src/filters/filter.js';
import { BlockFilter } from '../../src/filters/block.js';
import { CodecFilter } from '../../src/filters/codec.js';
import { GrepFilter } from '../../src/filters/grep.js';
import { LineFilter } from '../../src/filters/line.js';
import { MapFilter } from '../../src/filters/map.js';
import { StackableFilter } from '../../src/filters/stackable.js';
import { StreamFilter } from '../../src/filters/stream.js';
import { Hold, Input } from '../../src/session/input.js';
import { Turns } from '../../src/session/turns.js';
import { crashed } from './owners.js';
import { deferred } from '../support/deferred.js';
import { ManualClock, turn } from '../support/manual-clock.js';

interface Setup {
  readonly clock: ManualClock;
  readonly input: Input;
  readonly source: PassThrough;
  readonly told: string[];
}

/** An input that notes what its host hears. */
function setUp({ filter = new LineFilter(), onRecord = () => undefined }: { readonly filter?: AnyFilter; readonly onRecord?: (record: unknown, input: Input) => Promise<unknown> | undefined } = {}): Setup {
  const told: string[] = [];
  const clock = new ManualClock();
  const source = new PassThrough();
  source.resume();
  const input: Input = new Input({
    source, filter,
    scope: new AsyncResource('TEST'), turns: new Turns(clock),
    handler: { record: (record) => {
      told.push(String(record));
      return onRecord(record, input);
    } },
    host: {
      crashed,
      fault: (error) => { told.push(`fault: ${(error as Error).message}`); },
      pumped: () => undefined,
      end: () => { told.push('end'); },
    },
  });
  return { clock, input, source, told };
}

/** A filter that refuses what it is given, when it is given it or when it is asked for a record. */
const refusing = (given: Partial<AnyFilter>): AnyFilter => Object.assign(new LineFilter(), given);

const bytes = (text: string): Buffer => Buffer.from(text);

const above = (...filters: Layer[]): AnyFilter => new StackableFilter<string>({ Filters: [new LineFilter(), ...filters] }) as AnyFilter;

describe('an input', () => {
  it('reports each record and then the end', () => {
    const { input, told } = setUp();

    input.push(bytes('one\r\ntw'));
    input.push(bytes('o\r\n'));
    input.finish();

    expect(told).toEqual(['one', 'two', 'end']);
  });

  it.each([
    ['a default terminator', undefined, ['go\r\nABC'], 'ABC'], ['a detected terminator', { InputLiteral: '' }, ['go\r\nABC'], 'ABC'],
    ['a literal terminator', { Literal: '\r\n.\r\n' }, ['go\r\n.\r\nABC'], 'ABC'], ['a repeated terminator', { InputRegexp: /(\r\n)+/ }, ['go\r\n\r\nABC'], 'ABC'],
  ])('gives the same bytes to the next filter after %s, wherever the input is cut', (_title, parameters, [text = ''], expected) => {
    for (let at = 1; at < text.length; at++) {
      const { input, told } = setUp({ filter: new LineFilter(parameters), onRecord: (record, own) => {
        if (record === 'go') own.replace(new StreamFilter());
        return undefined;
      } });
      input.push(bytes(text.slice(0, at)));
      input.push(bytes(text.slice(at)));

      expect(told.slice(1).join(''), `cut at ${at}`).toBe(expected);
    }
  });

  it.each<[string, (drops: (line: string) => boolean) => AnyFilter]>([
    ['a GrepFilter', (drops) => above(new GrepFilter<string>({ Get: (line) => !drops(line), Put: () => true }))],
    ['a MapFilter', (drops) => above(new MapFilter<string, string>({ Get: (line) => (drops(line) ? [] : [line]), Put: (line) => [line] }))],
    ['a stack of three', (drops) => above(new GrepFilter<string>({ Get: (line) => !drops(line), Put: () => true }), new MapFilter<string, string>({ Get: (line) => [line], Put: (line) => [line] }))],
    ['a CodecFilter', (drops) => new CodecFilter<string, string>({
      Decode: (read) => {
        const at = read.indexOf(10);
        if (at < 0) return undefined;
        const line = read.toString('latin1', 0, at);
        return drops(line) ? { bytes: at + 1 } : { record: line, bytes: at + 1 };
      },
      Encode: (line) => line,
    })],
    ['a filter of the user\'s around others', (drops) => {
      const stack = above(new GrepFilter<string>({ Get: (line) => !drops(line), Put: () => true }));
      return { get_one_start: (chunks) => { stack.get_one_start(chunks); }, get_one: () => stack.get_one(), get: (chunks) => stack.get(chunks) as unknown[], put: (records) => stack.put(records),
        get_pending: () => stack.get_pending(), clone: () => stack } as AnyFilter;
    }],
  ])('lets others have their turn while %s drops thousands of lines, and loses none that it lets through', (_title, make) => {
    let dropped = 0;
    const { clock, input, told } = setUp({ filter: make((line) => {
      if (line !== 'x') return false;
      dropped += 1;
      clock.sleep(0.1);
      return true;
    }) });

    input.push(bytes(`a\n${'x\n'.repeat(500)}b\n${'x\n'.repeat(500)}c\nrest`));
    const atOnce = dropped;
    clock.settle();
    input.finish();

    expect(atOnce).toBeLessThan(150);
    expect(dropped).toBe(1000);
    expect(told).toEqual(['a', 'b', 'c', 'end']);
  });

  it.each([['with hand_over', {}], ['of the user\'s, without hand_over', { hand_over: undefined }]])('takes back a filter %s', (_title, given) => {
    const line = Object.assign(new LineFilter(), given);
    const { input, told } = setUp({ filter: line as AnyFilter, onRecord: (record, own) => {
      own.replace(String(record).startsWith('set') ? new BlockFilter({ BlockSize: 2 }) : line as AnyFilter);
      return undefined;
    } });

    input.push(bytes('set 2\nab'));
    input.push(bytes('set 2\r'));
    input.push(bytes('\ncdend\n'));

    expect(told).toEqual(['set 2', 'ab', 'set 2', 'cd', 'end']);
  });

  it('takes what belongs to the records of two filters that were replaced between two reads from the next one', () => {
    const twice = new StackableFilter({ Filters: [new LineFilter({ InputRegexp: /;!?/, OutputLiteral: '\n' }), new MapFilter<string, string>({ Get: (text) => [text, 'more'], Put: (text) => [text] })] });
    const { input, told } = setUp({ filter: twice, onRecord: (record, own) => {
      own.replace(record === 'go' ? new LineFilter({ InputRegexp: /\n+/ }) : new StreamFilter());
      return undefined;
    } });

    input.push(bytes('go;'));
    input.push(bytes('!'));
    input.push(bytes('\nend'));

    expect(told).toEqual(['go', 'more', 'end']);
  });

  it('blames the filter for a rest that throws, and goes on', () => {
    const { input, told } = setUp({ filter: refusing({ hand_over: () => ({ pending: [], rest: () => { throw new Error('no rest'); } }) }) });
    input.replace(new StreamFilter());
    input.push(bytes('lost'));
    input.push(bytes('taken'));

    expect(told).toEqual(['fault: no rest', 'taken']);
  });

  it('takes an empty record for one', () => {
    const { input, told } = setUp();

    input.push(bytes('\r\n\r\n'));

    expect(told).toEqual(['', '']);
  });

  it('reads one more at most while it is held, and goes on where it stopped', () => {
    const { input, source, told } = setUp({ onRecord: (_record, own) => {
      own.hold(Hold.user);
      return undefined;
    } });
    input.push(bytes('one\r\ntwo\r\n'));
    input.push(bytes('three\r\n'));
    const held = [source.isPaused(), ...told];

    for (let record = 0; record < 3; record++) input.release(Hold.user);

    expect(held).toEqual([true, 'one']);
    expect(told).toEqual(['one', 'two', 'three']);
  });

  it.each([
    ['that return', () => undefined],
    ['that settle at once', () => Promise.resolve()],
  ])('of many records at once gives way to others now and then, for callbacks %s, and keeps the order', async (_title, result) => {
    const records = Array.from({ length: 50 }, (_, index) => `record ${index}`);
    const { clock, input, source, told } = setUp({ onRecord: () => {
      clock.sleep(1);
      return result();
    } });
    const seen: number[] = [];

    input.push(bytes(records.map((record) => `${record}\n`).join('')));
    for (let look = 0; look < 50 && told.length < 50; look++) {
      await turn();
      expect(source.isPaused()).toBe(told.length < 50);
      seen.push(told.length);
      clock.settle();
    }

    expect(told).toEqual(records);
    // Each is at work for some milliseconds, of which a record here takes one.
    expect(Math.max(...seen.map((count, index) => count - (seen[index - 1] ?? 0)))).toBeLessThanOrEqual(6);
    await turn();
    expect(source.isPaused()).toBe(false);
  });

  it('takes one more read while the program has paused it, which would else not learn that the client has gone', () => {
    const { input, source, told } = setUp();

    input.hold(Hold.user);
    const first = source.isPaused();
    input.push(bytes('one\r\n'));
    const second = source.isPaused();
    input.release(Hold.user);

    expect([first, second, source.isPaused()]).toEqual([false, true, false]);
    expect(told).toEqual(['one']);
  });

  it('takes one more read while a callback has not settled, which does not count against MaxBuffer', async () => {
    const { promise, resolve } = deferred();
    const { input, source, told } = setUp({ filter: new LineFilter({ MaxLength: 6, MaxBuffer: 6 }), onRecord: (record) => (record === 'wait' ? promise : undefined) });

    input.push(bytes('wait\r\nkept\r\nand more\r'));
    const first = source.isPaused();
    input.push(bytes('\nlast\r\n'));
    const second = source.isPaused();
    resolve();
    await turn();

    expect([first, second, source.isPaused()]).toEqual([false, true, false]);
    expect(told).toEqual(['wait', 'kept', expect.stringMatching(/^fault: /), 'last']);
  });

  it('is held for each reason by itself', () => {
    const { input, source, told } = setUp();
    input.hold(Hold.user);
    input.hold(Hold.output);
    input.hold(Hold.output);
    input.push(bytes('one\r\n'));
    const steps: [number, boolean][] = [];

    for (const reason of [Hold.output, Hold.callback, Hold.user]) {
      input.release(reason);
      steps.push([told.length, source.isPaused()]);
    }

    expect(steps).toEqual([[0, true], [0, true], [1, false]]);
  });

  it('reports the end only when every record has been handled', async () => {
    const work = Promise.resolve();
    const { input, told } = setUp({ onRecord: () => work });
    input.push(bytes('one\r\ntwo\r\n'));
    input.finish();
    const before = [...told];

    await turn();

    expect(before).toEqual(['one']);
    expect(told).toEqual(['one', 'two', 'end']);
  });

  it('goes on after a callback that failed', async () => {
    const { input, told } = setUp({ onRecord: (record) => (record === 'one' ? Promise.reject(new Error('oh')) : undefined) });

    input.push(bytes('one\r\ntwo\r\n'));
    await turn();

    expect(told).toEqual(['one', 'two']);
  });

  it('handles nothing more once it is thrown away, and reads on so that the connection can end', () => {
    const { input, source, told } = setUp({ onRecord: (_record, own) => {
      own.discard();
      return undefined;
    } });
    input.push(bytes('one\r\ntwo\r\n'));
    input.push(bytes('three\r\n'));
    input.finish();

    expect(told).toEqual(['one']);
    expect(source.isPaused()).toBe(false);
  });

  it('lets a held source go when it is thrown away', () => {
    const { input, source } = setUp();
    input.hold(Hold.user);

    input.discard();

    expect(source.isPaused()).toBe(false);
  });

  it('gives what is no record yet to the next filter, also in the middle of a record\'s handling', () => {
    const { input, told } = setUp({ onRecord: (record, own) => {
      if (record === 'raw') own.replace(new StreamFilter());
      return undefined;
    } });

    input.push(bytes('raw\r\nno line'));
    input.push(bytes(' at all'));

    expect(told).toEqual(['raw', 'no line', ' at all']);
  });
});

describe('an input whose filter never says that there is no record', () => {
  it('says so after a million records, and goes on when more bytes come', () => {
    let given = 0;
    const { input, told } = setUp({
      filter: refusing({ get_one: () => {
        given += 1;
        return [given];
      } }),
      onRecord: () => {
        told.length = 0;
        return undefined;
      },
    });
    const after = (text: string): unknown[] => {
      input.push(bytes(text));
      return [given, ...told.splice(0)];
    };

    expect(after('xyz')).toEqual([2 ** 20 + 3001, 'fault: get_one of the filter gives records without end; it must give [] when there is no whole one.']);
    expect(after('')).toEqual([2 ** 21 + 3002, expect.stringContaining('without end')]);
    input.finish();
    expect(told).toEqual(['end']);
  });

  it('leaves alone one that makes a thousand records of each byte, in one read or in many', () => {
    let records = 0;
    let expansion = 0;
    const filter = refusing({
      get_one_start: ([chunk]) => { expansion = 1000 * (chunk?.length ?? 0); },
      get_one: () => (expansion-- > 0 ? ['x'] : []),
    });
    const { input, told } = setUp({ filter, onRecord: () => {
      records += 1;
      told.length = 0;
      return undefined;
    } });
    input.push(Buffer.alloc(1100));
    for (let count = 0; count < 100; count++) input.push(bytes('x'));

    expect([records, ...told]).toEqual([1_200_000]);
  });
});

describe('an input whose filter refuses it', () => {
  it('says so, also when it is fed', () => {
    const { input, told } = setUp({ filter: refusing({ get_one_start: () => { throw new Error('too much'); } }) });

    input.push(bytes('x'));

    expect(told).toEqual(['fault: too much']);
  });

  it('does not ask without end about the same bytes', () => {
    const { input, told } = setUp({ filter: refusing({ get_one: () => { throw new Error('bad'); }, get_pending: () => [bytes('same')] }) });

    input.push(bytes('x'));
    input.push(bytes('y'));

    expect(told).toEqual(['fault: bad', 'fault: bad']);
  });

  it('does not ask without end a filter that has nothing left, or cannot say what', () => {
    const silent = setUp({ filter: refusing({ get_one: () => { throw new Error('bad'); } }) });
    const broken = setUp({ filter: refusing({ get_one: () => { throw new Error('bad'); }, get_pending: () => { throw new Error('worse'); } }) });

    for (const { input } of [silent, broken]) input.push(bytes(''));

    expect([silent.told, broken.told]).toEqual([['fault: bad'], ['fault: bad']]);
  });

  it('goes on with the records behind the bad one, and then ends', () => {
    const { input, told } = setUp({ filter: new LineFilter({ MaxLength: 4 }) });

    input.push(bytes('far too long\r\nok\r\n'));
    input.finish();

    expect(told).toEqual([expect.stringMatching(/^fault: /), 'ok', 'end']);
  });

  it('looks seldom at what is left of a read that has a thousand bad records', () => {
    const filter = new LineFilter({ MaxLength: 1 });
    const looks = vi.spyOn(filter, 'get_pending');
    const { input, told } = setUp({ filter });

    input.push(bytes('bad\n'.repeat(1000)));

    expect(told).toHaveLength(1000);
    expect(looks.mock.calls.length).toBeLessThan(20);
  });

  it('goes on behind the bytes that were refused', () => {
    let left = 3;
    const { input, told } = setUp({ filter: refusing({
      get_one: () => {
        if (left === 0) return [];
        left -= 1;
        throw new Error(`bad, ${left} left`);
      },
      get_pending: () => (left === 0 ? undefined : [Buffer.alloc(left)]),
    }) });

    input.push(bytes('x'));

    expect(told).toEqual(['fault: bad, 2 left', 'fault: bad, 1 left', 'fault: bad, 0 left']);
  });
});
