import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { resolveSetup, type PoolSetup } from '../../src/testing/pool-setup.js';

const HERE = fileURLToPath(import.meta.url);

describe('what startPool() is given', () => {
  it.each([
    ['no Script', {}, 'needs Script'],
    ['a Script that is no path', { Script: 5 }, 'a Script of 5; it takes a path or a URL'],
    ['a Script that is not there', { Script: '/nowhere/server.js' }, '/nowhere/server.js'],
    ['a function', { Script: HERE, ClientInput: () => 1 }, 'ClientInput, which cannot be sent'],
    ['an object', { Script: HERE, Admin: { Port: 1 } }, 'Admin, which cannot be sent'],
    ['a port', { Script: HERE, Port: 80 }, 'see port and address'],
    ['no patience', { Script: HERE, Patience: 0 }, 'a number of seconds above 0'],
  ])('is refused with words when it is %s', (_title, setup, words) => {
    expect(() => resolveSetup(setup as unknown as PoolSetup)).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_TESTING', message: expect.stringContaining(words) as string }) as Error);
  });

  it('may name its Script by path, by URL, and in a folder', () => {
    for (const script of [HERE, new URL(import.meta.url), import.meta.url]) expect(resolveSetup({ Script: script }).script).toBe(HERE);
    expect(resolveSetup({ Script: 'pool-setup.test.ts', Directory: fileURLToPath(new URL('.', import.meta.url)) }).script).toBe(HERE);
  });

  it('takes the rest as options of the server', () => {
    const { options, patienceMs, env } = resolveSetup({ Script: HERE, MaxServer: 2, MaxServerExpireTime: Infinity, HangReport: true, Patience: 2, Env: { A: 'b' } });

    expect(options).toEqual({ MaxServer: 2, MaxServerExpireTime: Infinity, HangReport: true });
    expect(patienceMs).toBe(2000);
    expect(env).toMatchObject({ A: 'b', PREFORK_TCP_SERVER_WORKER: undefined });
  });
});
