import { AsyncLocalStorage, AsyncResource, executionAsyncResource } from 'node:async_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { childOf } from '../../src/session/child-scope.js';

describe.each([['inherits', true], ['is made in the other', false]])('an async scope that %s', (_title, inherits) => {
  const storage = new AsyncLocalStorage<string>();

  afterEach(() => { storage.disable(); });

  it('begins with the stores of the other scope, and no other sees what is entered there, now or later', async () => {
    const scope = storage.run('outer', () => new AsyncResource('TEST'));
    const seen: unknown[] = [];
    const later: Promise<unknown>[] = [];
    storage.run('caller', () => {
      for (const name of ['a', 'b', 'c']) {
        childOf(scope, inherits).runInAsyncScope(() => {
          seen.push(storage.getStore());
          storage.enterWith(name);
          later.push(Promise.resolve().then(() => storage.getStore()));
          later.push(new Promise((resolve) => { setImmediate(() => { resolve(storage.getStore()); }); }));
        });
      }
      seen.push(storage.getStore());
    });

    expect(seen).toEqual(['outer', 'outer', 'outer', 'caller']);
    expect(await Promise.all(later)).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
    expect(scope.runInAsyncScope(() => storage.getStore())).toBe('outer');
  });

  it('leaves the store as it was after run() and exit()', () => {
    const scope = storage.run('outer', () => new AsyncResource('TEST'));

    childOf(scope, inherits).runInAsyncScope(() => {
      expect(storage.run('inner', () => storage.getStore())).toBe('inner');
      expect(storage.getStore()).toBe('outer');
      expect(storage.exit(() => storage.getStore())).toBeUndefined();
      expect(storage.getStore()).toBe('outer');
    });
  });

  it('is an object of its own to those that keep things at executionAsyncResource()', () => {
    const scope = new AsyncResource('TEST');
    const key = Symbol('key');
    const here = (): Record<symbol, unknown> => executionAsyncResource() as Record<symbol, unknown>;

    childOf(scope, inherits).runInAsyncScope(() => { here()[key] = 1; });

    expect(childOf(scope, inherits).runInAsyncScope(() => [here()[key], here() instanceof AsyncResource])).toEqual([undefined, true]);
  });
});
