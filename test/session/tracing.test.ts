import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionTrace } from '../../src/session/tracing.js';
import { deferred } from '../support/deferred.js';
import { TestClients } from './session-fixture.js';

describe('diagnostics_channel', () => {
  let seen: [string, SessionTrace][];
  const note = (message: unknown, name: string | symbol): void => { seen.push([String(name).replace('prefork:session:', ''), message as SessionTrace]); };
  const names = (): string[] => seen.map(([name]) => name);

  beforeEach(() => {
    seen = [];
    subscribe('prefork:session:start', note);
    subscribe('prefork:session:end', note);
  });

  afterEach(() => {
    unsubscribe('prefork:session:start', note);
    unsubscribe('prefork:session:end', note);
  });

  it('has the start of a session before ClientConnected, and its end when its last callback has settled', async () => {
    const gate = deferred<undefined>();
    const clients = new TestClients({ callbacks: {
      connected: () => { seen.push(['ClientConnected', {} as SessionTrace]); },
      disconnected: () => gate.promise,
    } });
    const client = await clients.connect();
    await client.fail();
    await clients.settle();
    expect(names()).toEqual(['start', 'ClientConnected']);

    gate.resolve(undefined);
    await clients.settle();

    expect(names()).toEqual(['start', 'ClientConnected', 'end']);
    const [[, start], , [, end]] = seen as [[string, SessionTrace], unknown, [string, SessionTrace]];
    expect(start).toEqual({ server: end.heap.alias, session: { ID: expect.any(Number) as number }, heap: end.heap });
    expect(end.session).toBe(start.session);
    expect(end.heap).toMatchObject({ remote_ip: '127.0.0.1', got_an_error: true });
  });

  it('has an end for every start, also where ClientFilter fails', async () => {
    const clients = new TestClients({ createFilters: () => { throw new Error('no filter'); } });
    await clients.connect();

    expect(names()).toEqual(['start', 'end']);
  });

  it('has nothing of a client that ClientPreConnect refuses', async () => {
    const clients = new TestClients({ preConnect: () => { throw new Error('no'); } });
    await clients.connect();
    await clients.settle();

    expect([clients.left, seen]).toEqual([1, []]);
  });

  it('has only what is subscribed to', async () => {
    unsubscribe('prefork:session:start', note);
    const clients = new TestClients({});
    const client = await clients.connect();
    await client.fail();
    await clients.settle();

    expect(names()).toEqual(['end']);
  });
});
