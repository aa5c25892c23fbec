import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveAdmin } from '../../src/admin/admin-options.js';
import { AdminServer } from '../../src/admin/admin-server.js';
import { Page } from '../../src/admin/page.js';
import { PreforkError } from '../../src/errors.js';
import { ask, type Answer } from '../support/admin-client.js';
import { BUILD, FakePool } from '../support/fake-pool.js';
import { ManualClock } from '../support/manual-clock.js';

describe('An action', () => {
  let close = (): void => undefined;
  afterEach(() => { close(); });

  async function post(pool: FakePool, path: string): Promise<Answer> {
    const admin = new AdminServer({ config: resolveAdmin({ Port: 0, Token: 'sesame' }), pool, page: new Page(''), build: BUILD, clock: new ManualClock() });
    const server = admin.entrance('tcp').listen(0, '127.0.0.1');
    close = () => {
      admin.close();
      server.close();
    };
    await once(server, 'listening');
    return ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`, { method: 'POST', headers: { authorization: 'Bearer sesame' } });
  }

  it.each([
    ['reload', 'reload'], ['pause', 'pause'], ['resume', 'resume'], ['shutdown', 'shutdown'], ['workers/4001/term', 'term 4001'], ['workers/4001/kill', 'kill 4001'],
  ])('%s asks the pool for that, once', async (path, asked) => {
    const pool = new FakePool();

    expect((await post(pool, path)).code).toBe(200);
    expect(pool.asked).toEqual([asked]);
  });

  it('reload answers with its result', async () => {
    const pool = new FakePool();
    pool.reload = () => Promise.resolve({ release: 2, replaced: 3 });

    expect(await post(pool, 'reload')).toMatchObject({ code: 200, headers: { 'content-type': 'application/json' }, body: '{"release":2,"replaced":3}\n' });
  });

  it.each([
    [500, new PreforkError('ERR_PREFORK_RELOAD', 'Release 2 was not accepted.\nIts last lines on stderr:\nno such table')],
    [409, new PreforkError('ERR_PREFORK_STATE', 'reload() needs a running pool.')],
  ])('reload answers %i with the words of the error', async (code, error) => {
    const pool = new FakePool();
    pool.reload = () => Promise.reject(error);

    expect(await post(pool, 'reload')).toMatchObject({ code, body: `${error.message}\n` });
  });
});
