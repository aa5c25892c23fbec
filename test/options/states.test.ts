import { describe, expect, it } from 'vitest';
import type { StatePairs } from '../../src/kernel.js';
import { collectStates, stateProblems } from '../../src/options/states.js';

describe('collectStates', () => {
  it('takes functions, and methods by their own or another name', () => {
    const owner = { name: 'owner', tick() { return `${this.name} ticks`; } };
    const states = collectStates({ InlineStates: { greet: () => 'hello' }, ObjectStates: [owner, ['tick'], owner, { tock: 'tick' }] });

    expect([...states].map(([event, handler]) => [event, handler({})])).toEqual([['greet', 'hello'], ['tick', 'owner ticks'], ['tock', 'owner ticks']]);
  });

  it('calls class methods with their class', () => {
    class Package {
      readonly title = 'an instance';
      static show(): string { return this.name; }
    }

    expect(collectStates({ PackageStates: [Package, ['show']] }).get('show')?.({})).toBe('Package');
  });

  it('lets later ones win: functions, objects, packages', () => {
    const named = (name: string): object => ({ event: () => name });

    const states = collectStates({ InlineStates: { event: () => 'inline' }, ObjectStates: [named('first'), ['event'], named('second'), ['event']], PackageStates: [named('package'), ['event']] });

    expect(states.get('event')?.({})).toBe('package');
    expect(collectStates({ InlineStates: { event: () => 'inline' }, ObjectStates: [named('first'), ['event'], named('second'), ['event']] }).get('event')?.({})).toBe('second');
  });

  it('sees a method that was replaced later', () => {
    const owner = { event: () => 'old' };
    const states = collectStates({ ObjectStates: [owner, ['event']] });

    owner.event = () => 'new';

    expect(states.get('event')?.({})).toBe('new');
  });

  it.each<[string, StatePairs]>([
    ['that does not exist', [{}, ['missing']]],
    ['that is no function', [{ missing: 5 }, { event: 'missing' }]],
  ])('refuses a method %s', (_title, pairs) => {
    expect(stateProblems({ ObjectStates: pairs })).toEqual([expect.stringContaining("'missing'")]);
  });

  it('is empty without any', () => {
    expect(collectStates({}).size).toBe(0);
  });
});
