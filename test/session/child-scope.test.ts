import { AsyncLocalStorage, AsyncResource, executionAsyncId, executionAsyncResource } from 'node:async_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { childOf, ID } from '../../src/session/child-scope.js';

describe.each([['inherits', ID], ['is made in the other', null]])('an async scope that %s', (_title, id) => {
  const owner = new AsyncResource('TEST');
  const make = (scope: AsyncResource): AsyncResource => childOf(scope, owner, id);
  const storage = new AsyncLocalStorage<string>();

  afterEach(() => { storage.disable(); });

  it('begins with the stores of the other scope, and no other sees what is entered there, now or later', async () => {
    const scope = storage.run('outer', () => new AsyncResource('TEST'));
    const seen: unknown[] = [];
    const later: Promise<unknown>[] = [];
    storage.run('caller', () => {
      for (const name of ['a', 'b', 'c']) {
        make(scope).runInAsyncScope(() => {
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

    make(scope).runInAsyncScope(() => {
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

    make(scope).runInAsyncScope(() => { here()[key] = 1; });

    expect(make(scope).runInAsyncScope(() => [here()[key], here() instanceof AsyncResource])).toEqual([undefined, true]);
  });
});

it('a version of Node lets an async scope inherit from another, and have an ID of its own', () => {
  const [scope, owner] = [new AsyncResource('TEST'), new AsyncResource('TEST')];

  expect(ID).not.toBeNull();
  expect(childOf(scope, owner).runInAsyncScope(executionAsyncId)).toBe(owner.asyncId());
  expect(scope.runInAsyncScope(executionAsyncId)).toBe(scope.asyncId());
});
