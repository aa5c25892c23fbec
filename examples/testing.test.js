// Tests of a server of your own, here of examples/chat.js: unchanged, in processes of its own, with the faults of production.
// Run it with `node examples/testing.test.js` or `node --test examples/testing.test.js`; with vitest and jest only the runner's own calls differ.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPool } from 'prefork-tcp-server/testing';

/**
 * The chat, on a port of its own, with options in place of those of the program.
 *
 * @param {import('node:test').TestContext} t
 * @param {Partial<import('prefork-tcp-server/testing').PoolSetup>} [options]
 */
async function startChat(t, options) {
  const pool = await startPool({ Script: new URL('./chat.js', import.meta.url), MaxServer: 2, MasterHeartBeatTime: 0.2, ...options });
  t.after(() => pool[Symbol.asyncDispose]());
  return pool;
}

test('those in one room hear each other, those in another do not', async (t) => {
  const pool = await startChat(t);
  const [ann, bob, eve] = [await pool.connect(), await pool.connect(), await pool.connect()];
  for (const one of [ann, bob, eve]) assert.equal(await one.line(), 'welcome to the lobby');
  eve.send('/join elsewhere\n');
  assert.equal(await eve.line(), 'you are in elsewhere');

  ann.send('good morning\n');

  assert.match(await bob.line(), /: good morning$/);
  eve.send('is anyone here?\n');
  assert.match(await eve.line(), /: is anyone here\?$/);
});

test('a worker that crashes is replaced, and the others serve on', async (t) => {
  const pool = await startChat(t);
  const [first, second] = await pool.ready(2);
  assert.ok(first !== undefined && second !== undefined);

  const exit = await pool.crash(first, 'SIGKILL');

  assert.equal(exit.reason, 'crashed');
  assert.match(await pool.ask('still there?', { greeting: 1 }), /still there\?$/);
  assert.ok((await pool.ready(2)).includes(second));
});

test('an error that nothing catches ends one worker, and is reported', async (t) => {
  const pool = await startChat(t);
  const [pid] = await pool.ready(1);
  assert.ok(pid !== undefined);

  await pool.throwIn(pid, 'out of coffee');

  assert.equal((await pool.event('worker:error')).error.message, 'out of coffee');
  assert.equal((await pool.exit(pid)).code, 1);
});

test('a client says the end of its sentence while the pool drains', async (t) => {
  const pool = await startChat(t, { GraceExpireTime: 5 });
  const client = await pool.connect();
  await client.line();

  pool.signal('SIGTERM');
  await pool.event('worker:drain');
  client.send('the end\n');

  assert.match(await client.line(), /: the end$/);
  client.close();
  assert.deepEqual(await pool.ended(), { code: 0 });
});
