import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';

describe('events', () => {
  it('yield and post queue: events come in order, after the callback that sent them, with args, state and sender', async () => {
    await withHandlers({
      ClientInput({ kernel, session }) {
        kernel.yield('first', 1, 'one');
        kernel.post(session, 'second', 2);
        kernel.post(session.ID, 'first', 3);
        tell('input');
      },
      InlineStates: {
        first({ args, state, sender, session }) { tell(state, [args, sender === session]); },
        second({ args, state }) { tell(state, [args]); },
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await scene.told('first', 2);
      expect(scene.all.map(({ name, detail }) => [name, detail])).toEqual([
        ['input', undefined], ['first', [[1, 'one'], true]], ['second', [[2]]], ['first', [[3], true]],
      ]);
    });
  });

  it('call runs the handler at once and returns what it returns; undefined without a target or handler', async () => {
    await withHandlers({
      ClientInput({ kernel, session }) {
        tell('answers', [kernel.call(session, 'sum', 1, 2), kernel.call(session, 'nothing') ?? 'none', kernel.call('nobody', 'sum') ?? 'none', kernel.post('nobody', 'sum')]);
      },
      InlineStates: { sum: ({ args }) => (args[0] as number) + (args[1] as number) },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      expect(await scene.told('answers')).toEqual([3, 'none', 'none', false]);
    });
  });

  it('state adds, replaces and removes handlers of this session only, and refuses its own events', async () => {
    await withHandlers({
      ClientInput({ heap, kernel, session, input }) {
        if (input === 'add') kernel.state('extra', ({ args }) => `extra ${String(args[0])}`);
        if (input === 'replace') kernel.state('extra', () => 'replaced');
        if (input === 'remove') kernel.state('extra');
        if (input === 'shutdown') kernel.state('shutdown', () => undefined);
        heap.client.put(String(kernel.call(session, 'extra', input)));
      },
    }, async (scene) => {
      const [client, other] = [await scene.connect(), await scene.connect()];

      client.send('none\nadd\nreplace\n');
      await client.expect('undefined\r\nextra add\r\nreplaced\r\n');
      other.send('other\n');
      await other.expect('undefined\r\n');
      client.send('remove\nshutdown\n');

      await client.expect('undefined\r\n');
      await client.expectEof();
      expect((await scene.fault('ClientInput')).message).toMatch(/kernel\.state cannot change 'shutdown'/);
    });
  });

  it('get_active_session is the session; aliases name it in its worker until it ends', async () => {
    await withHandlers({
      ClientInput({ heap, kernel, session, input }) {
        const [what = '', name = ''] = input.split(' ');
        const answers: Record<string, () => unknown> = {
          set: () => kernel.alias_set(name),
          remove: () => kernel.alias_remove(name),
          find: () => kernel.alias_resolve(name)?.ID === session.ID,
          exists: () => kernel.alias_resolve(name) !== undefined,
          active: () => kernel.get_active_session() === session,
          post: () => kernel.post(name, 'hello', heap.remote_port),
          quit: () => { kernel.yield('shutdown'); },
        };
        heap.client.put(`${what} ${String(answers[what]?.())}`);
      },
      InlineStates: { hello({ heap, args }) { heap.client.put(`hello from ${String(args[0])}`); } },
    }, async (scene) => {
      const [ann, bob] = [await scene.connect(), await scene.connect()];

      ann.send('active\nset ann\nset ann\nfind ann\n');
      await ann.expect('active true\r\nset true\r\nset true\r\nfind true\r\n');
      bob.send('set ann\nset prefork_master\nfind ann\nexists ann\nremove ann\npost ann\n');
      await bob.expect('set false\r\nset false\r\nfind false\r\nexists true\r\nremove false\r\npost true\r\n');
      await ann.expect(`hello from ${bob.socket.localPort}\r\n`);
      ann.send('remove ann\nexists ann\nset ann\nquit\n');
      await ann.expect('remove true\r\nexists false\r\nset true\r\nquit undefined\r\n');
      await ann.expectEof();

      bob.send('exists ann\nset ann\n');
      await bob.expect('exists false\r\nset true\r\n');
    });
  });
});

describe('timers', () => {
  it('delay restarts the timer of its name and cancels it without seconds; delay_add adds one', async () => {
    await withHandlers({
      ClientInput({ kernel }) {
        kernel.delay('tick', 0.03, 'replaced');
        kernel.delay('tick', 0.01, 'delay');
        kernel.delay_add('tick', 0.02, 'added');
        kernel.delay('cancelled', 0.01);
        kernel.delay('cancelled');
        kernel.delay('end', 0.05);
      },
      InlineStates: {
        tick({ args }) { tell(String(args[0])); },
        cancelled() { tell('cancelled'); },
        end() { tell('end'); },
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await scene.told('end');
      expect(scene.names).toEqual(['delay', 'added', 'end']);
    });
  });

  it('alarm, alarm_add and alarm_set are the same at a time of the clock', async () => {
    await withHandlers({
      ClientInput({ kernel }) {
        const now = Date.now() / 1000;
        // Far enough apart that they keep their order although the clock goes on between these calls.
        kernel.alarm('tick', now + 0.3, 'replaced');
        kernel.alarm('tick', now + 0.1, 'alarm');
        kernel.alarm_add('tick', now + 0.3, 'added');
        kernel.alarm_set('tick', now - 3600, 'past');
        kernel.alarm('cancelled', now + 0.1);
        kernel.alarm('cancelled');
        kernel.alarm('end', now + 0.5);
      },
      InlineStates: {
        tick({ args }) { tell(String(args[0])); },
        cancelled() { tell('cancelled'); },
        end() { tell('end'); },
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await scene.told('end');
      expect(scene.names).toEqual(['past', 'alarm', 'added', 'end']);
    });
  });

  it('delay_set and alarm_set return an id: it adjusts and removes the timer, and is refused when that is gone', async () => {
    await withHandlers({
      ClientInput({ kernel }) {
        const sooner = kernel.delay_set('tick', 3600, 'sooner');
        const moved = kernel.alarm_set('tick', Date.now() / 1000 + 3600, 'moved');
        const removed = kernel.delay_set('tick', 0.01, 'removed');
        tell('calls', [kernel.delay_adjust(sooner, 0.01), kernel.alarm_adjust(moved, -3599.8), kernel.alarm_remove(removed),
          kernel.alarm_remove(removed), kernel.delay_adjust(removed, 1), kernel.alarm_adjust(removed, 1)]);
        kernel.delay('end', 0.4);
      },
      InlineStates: {
        tick({ args }) { tell(String(args[0])); },
        end({ kernel }) {
          tell('end');
          kernel.delay('tick', 0.005, 'too late');
          kernel.delay_add('tick', 0.005, 'too late');
          kernel.alarm_remove_all();
          kernel.delay('last', 0.02);
        },
        last() { tell('last'); },
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await scene.told('last');
      expect(scene.names).toEqual(['calls', 'sooner', 'moved', 'end', 'last']);
      expect(scene.all[0]?.detail).toEqual([true, true, true, false, false, false]);
    });
  });

  it.each([['NaN', NaN], ['text', '1'], ['Infinity', Infinity]])('refuse a time that is no number of seconds: %s', async (_title, time) => {
    await withHandlers({
      ClientArgs: [String(time)],
      ClientConnected({ kernel, args }) {
        kernel.delay('tick', args[0] === '1' ? '1' as never : Number(args[0]));
      },
    }, async (scene) => {
      const client = await scene.connect();

      await client.expectEof();

      expect((await scene.fault('ClientConnected')).message).toContain('it takes a number of seconds');
    });
  });

  it('end with their session, however it ends, and do not keep its worker', async () => {
    await withHandlers({
      ClientInput({ kernel, input }) {
        // Later than any session of this test lasts, however slow the machine is.
        kernel.delay('tick', 3600);
        if (input === 'quit') kernel.yield('shutdown');
      },
      ClientDisconnected({ kernel }) {
        kernel.delay('tick', 0.01);
        kernel.yield('tick');
        tell('Disconnected');
      },
      InlineStates: { tick() { tell('tick'); }, fence() { tell('fence'); } },
      ServerStopped() { tell('ServerStopped'); },
    }, async (scene) => {
      const [quitting, closing] = [await scene.connect(), await scene.connect()];
      quitting.send('quit\n');
      await quitting.expectEof();
      quitting.close();
      closing.send('wait\n');
      closing.halfClose();
      await closing.expectEof();
      closing.close();
      await scene.told('Disconnected', 2);

      expect(await scene.end()).toEqual(['Disconnected', 'Disconnected', 'ServerStopped']);
    });
  });
});

describe('events for the server', () => {
  const options = {
    ClientConnected({ heap }: { heap: { client: { put: (text: string) => unknown } } }) { heap.client.put('hello'); },
    ClientInput({ heap, kernel, input }: { heap: { alias: string; master_alias: string; client: { put: (text: string) => unknown } }; kernel: { post: (...args: [string, string, ...unknown[]]) => boolean }; input: string }) {
      const [event = '', argument] = input.split(' ');
      const isServers = ['set_concurrency', 'disconnected'].includes(event);
      heap.client.put(`${event} ${String(kernel.post(isServers ? heap.alias : heap.master_alias, event, ...(argument === undefined ? [] : [Number(argument)])))}`);
    },
  };

  it('Concurrency 1: one client is served at a time, and a second one after the first', async () => {
    await withHandlers({ ...options, Concurrency: 1 }, async (scene) => {
      const first = await scene.connect();
      await first.expect('hello\r\n');
      const [second, third] = [await scene.connect(), await scene.connect()];
      await scene.running.heartbeats();
      second.expectNothing();

      first.close();

      await second.expect('hello\r\n');
      await scene.running.until(({ totals }) => totals.connections === 1);
      third.expectNothing();
      second.close();
      await third.expect('hello\r\n');
    });
  });

  it('Concurrency 0: no client is served; -1: every one is', async () => {
    await withHandlers({ ...options, ServerHeartBeatTime: 0.05 }, async (scene) => {
      scene.running.server.configure({ Concurrency: 0 });
      await scene.running.allPaused('concurrency');
      const client = await scene.connect();
      await scene.running.heartbeats();
      client.expectNothing();

      scene.running.server.configure({ Concurrency: -1 });

      await client.expect('hello\r\n');
    });
  });

  it('set_concurrency: 0 takes no more clients, -1 goes on, and a wrong number is reported', async () => {
    await withHandlers({ ...options, ServerHeartBeatTime: 0.05 }, async (scene) => {
      const first = await scene.connect();
      first.send('set_concurrency 0\n');
      await first.expect('hello\r\nset_concurrency true\r\n');
      await scene.running.allPaused('concurrency');
      const second = await scene.connect();
      await scene.running.heartbeats();
      second.expectNothing();

      first.send('set_concurrency -1\n');
      await second.expect('hello\r\n');
      first.send('set_concurrency 1.5\n');

      expect((await scene.fault('event for prefork_server')).message).toMatch(/set_concurrency takes a whole number of at least -1/);
    });
  });

  it('pause and resume stop and continue the accepting of this worker; the event disconnected does no harm', async () => {
    await withHandlers({ ...options, ServerHeartBeatTime: 0.05 }, async (scene) => {
      const first = await scene.connect();
      first.send('disconnected\npause\n');
      await first.expect('hello\r\ndisconnected true\r\npause true\r\n');
      await scene.running.allPaused('asked');
      const second = await scene.connect();
      await scene.running.heartbeats();
      second.expectNothing();

      first.send('resume\n');

      await second.expect('hello\r\n');
    });
  });

  it('shutdown drains this worker only', async () => {
    await withHandlers({ ...options, MaxServer: 2, StartServer: 1 }, async (scene) => {
      const client = await scene.connect();
      client.send('shutdown\n');
      await client.expect('hello\r\nshutdown true\r\n');

      const { detail } = await scene.running.event('worker:drain');
      expect(detail).toMatchObject({ reason: 'asked', connections: 1 });
      client.send('resume\n');
      await client.expect('resume true\r\n');
      client.close();

      expect((await scene.running.exit(detail.pid)).detail).toMatchObject({ code: 0, reason: 'asked' });
      expect(scene.running.server.status().stopping).toBe(false);
      const next = await scene.connect();
      await next.expect('hello\r\n');
    });
  });

  it('shutdown_all drains the pool and the master', async () => {
    await withHandlers({ ...options, MaxServer: 2, StartServer: 2 }, async (scene) => {
      const client = await scene.connect();
      client.send('shutdown_all\n');
      await client.expect('hello\r\nshutdown_all true\r\n');
      client.close();

      await scene.running.until(({ stopping, workers }) => stopping && workers.length === 0);
    });
  });

  it('an event that there is not is reported', async () => {
    await withHandlers(options, async (scene) => {
      const client = await scene.connect();

      client.send('stop\n');

      expect((await scene.fault('event for prefork_master')).message).toMatch(/no event 'stop'; there are shutdown, shutdown_all, pause, resume/);
    });
  });
});
