import { describe, expect, it } from 'vitest';
import { PreforkTcpServer } from 'prefork-tcp-server';
import type { PreforkTcpServerOptions } from 'prefork-tcp-server';
import { withHandlers } from '../programs/inline.js';
import { poll } from '../support/wait.js';
import { ONE, withServer } from '../support/with-server.js';

describe('ClientArgs', () => {
  it('are given to ClientConnected and ClientPreConnect', async () => {
    await withHandlers({
      ClientArgs: ['one', { two: 2 }],
      ClientPreConnect({ socket, args }) {
        tell('PreConnect', args);
        return socket;
      },
      ClientConnected({ args }) { tell('Connected', args); },
    }, async (scene) => {
      await scene.connect();

      expect(await scene.told('Connected')).toEqual(['one', { two: 2 }]);
      expect(await scene.told('PreConnect')).toEqual(['one', { two: 2 }]);
    });
  });
});

describe('ClientConnected', () => {
  it('may be async: input waits for it', async () => {
    await withHandlers({
      async ClientConnected({ heap, kernel }) {
        if (kernel.alias_set('first')) await new Promise((resolve) => { kernel.state('go on', resolve); });
        heap.client.put('connected');
      },
      ClientInput({ heap, kernel, input }) {
        heap.client.put(input);
        kernel.post('first', input);
      },
    }, async (scene) => {
      const [first, second] = [await scene.connect(), await scene.connect()];
      first.send('input\n');
      await second.expect('connected\r\n');
      second.send('fence\n');
      await second.expect('fence\r\n');
      first.expectNothing();

      second.send('go on\n');

      await first.expect('connected\r\ninput\r\n');
    });
  });

  it('that fails ends this client only', async () => {
    await withHandlers({
      ClientConnected() { throw new Error('not today'); },
      ClientError({ operation, error }) { tell('Error', [operation, error?.message]); },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const client = await scene.connect();
      await client.expectEof();
      client.close();

      await scene.told('Disconnected');
      expect(scene.all.map(({ name, detail }) => [name, detail])).toEqual([['Error', ['callback', 'not today']], ['Disconnected', undefined]]);
      expect((await scene.fault('ClientConnected')).message).toBe('not today');
      expect(scene.running.eventsOf('worker:exit')).toEqual([]);
    });
  });
});

describe('a callback about the end', () => {
  it.each(['ClientError', 'ClientDisconnected'] as const)('that fails is reported, and the client ends all the same: %s', async (name) => {
    await withHandlers({
      ClientArgs: [name],
      ClientError() { throw new Error('in ClientError'); },
      ClientDisconnected() { throw new Error('in ClientDisconnected'); },
    }, async (scene) => {
      const client = await scene.connect();
      client.halfClose();

      await client.expectEof();

      expect((await scene.fault(name)).message).toBe(`in ${name}`);
      await scene.running.until(({ totals }) => totals.connections === 0);
      await (await scene.connect()).expect('');
    });
  });
});

describe('ClientFlushed', () => {
  it('is called once for all that was put in one callback', async () => {
    await withHandlers({
      ClientInput({ heap, input }) {
        for (const character of input) heap.client.put(character);
        tell(input);
      },
      ClientFlushed({ heap, wheelId }) { tell('Flushed', wheelId === heap.client.ID); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('ab\n');
      await client.expect('a\r\nb\r\n');
      await scene.told('Flushed');
      client.send('c\n');
      await scene.told('Flushed', 2);

      expect(scene.names).toEqual(['ab', 'Flushed', 'c', 'Flushed']);
    });
  });
});

describe('ClientShutdownOnError false', () => {
  it('leaves the session after the end of input, and after a fault of a callback, until it is asked to end', async () => {
    await withHandlers({
      ClientShutdownOnError: false,
      ClientInput({ heap, input }) {
        if (input === 'throw') throw new Error('as asked');
        heap.client.put(input);
      },
      ClientError({ heap, kernel, operation, errno }) {
        tell('Error', [operation, errno, heap.shutdown_on_error, heap.got_an_error, heap.shutdown]);
        if (operation !== 'read') return;
        heap.client.put('I know');
        kernel.delay('shutdown', 0.01);
      },
      ClientDisconnected({ heap }) { tell('Disconnected', heap.got_an_error); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('throw\nstill here\n');
      await client.expect('still here\r\n');
      client.halfClose();

      await client.expect('I know\r\n');
      await client.expectEof();
      expect(await scene.told('Disconnected')).toBe(false);
      expect(scene.all.map(({ detail }) => detail)).toEqual([['callback', 0, false, false, false], ['read', 0, false, false, false], false]);
    });
  });
});

describe('ClientTimeout', () => {
  const timed: Partial<PreforkTcpServerOptions> = {
    ClientTimeout: 1,
    ClientError({ operation, errstr, error }) { tell('Error', [operation, errstr, (error as NodeJS.ErrnoException).code]); },
  };
  const timeOut = ['read', 'connection timed out', 'ETIMEDOUT'];

  it('ends a client that completes no record, however many bytes it sends', async () => {
    await withHandlers(timed, async (scene) => {
      const client = await scene.connect();
      let bytes = 0;

      // Fewer than the longest line may have, however fast this process is.
      await poll(() => {
        client.send('x');
        bytes += 1;
        return scene.names.includes('Error');
      }, () => 'the end of the time');

      expect(await scene.told('Error')).toEqual(timeOut);
      expect(bytes).toBeGreaterThan(1);
      await client.expectOver();
    });
  });

  it.each([
    ['a client that completes records', { ...timed }],
    ['a client that takes small output', {
      ...timed,
      ClientConnected({ kernel }) { kernel.delay('push', 0.05); },
      InlineStates: {
        push({ heap, kernel }) {
          heap.client.put('push');
          kernel.delay('push', 0.05);
        },
      },
    } satisfies Partial<PreforkTcpServerOptions>],
    ['a client whose callback is not done', {
      ...timed,
      ClientInput: ({ heap, kernel }) => new Promise((resolve) => {
        kernel.state('done', resolve);
        kernel.delay('done', 1.3);
      }).then(() => { heap.client.put('done'); }),
    } satisfies Partial<PreforkTcpServerOptions>],
  ])('leaves %s', async (title, options) => {
    await withHandlers(options, async (scene) => {
      const client = await scene.connect();
      if (title.includes('callback')) {
        client.send('work\n');
        await client.expect('done\r\n');
      } else if (title.includes('output')) {
        for (let round = 0; round < 26; round++) await client.expect('push\r\n');
      } else {
        const idle = await scene.connect();
        while (!scene.names.includes('Error')) {
          client.send('x\n');
          await client.expect('x\r\n');
        }
        await idle.expectOver();
      }

      expect(scene.names.filter((name) => name === 'Error')).toHaveLength(title.includes('records') ? 1 : 0);
      expect(client.socket.destroyed).toBe(false);
    });
  });
});

describe('NoDelay and KeepAlive', () => {
  it.each([
    [{}, ['setNoDelay']],
    [{ NoDelay: false, KeepAlive: true }, ['setKeepAlive']],
    [{ NoDelay: 0, KeepAlive: 1 }, ['setKeepAlive']],
  ] as const)('set the options of the socket: %j', async (given, expected) => {
    await withHandlers({
      ...given,
      // No socket shows its options, so this listens where Node hands them to libuv: on the prototype of its handles.
      ServerStarted() {
        const probe = process.getBuiltinModule('node:net').createServer().listen(0) as unknown as { _handle: object; close: () => void };
        const prototype = Object.getPrototypeOf(probe._handle) as Record<string, (...args: unknown[]) => unknown>;
        for (const name of ['setNoDelay', 'setKeepAlive']) {
          const original = prototype[name];
          prototype[name] = function told(...args) {
            if (args[0] === true) tell(name);
            return original?.apply(this, args);
          };
        }
        probe.close();
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('fence\n');
      await client.expect('fence\r\n');
      client.close();

      expect(await scene.end()).toEqual(expected);
    });
  });
});

describe('filters', () => {
  const echo = { ClientInput: ({ heap, input }: { heap: { client: { put: (record: unknown) => unknown } }; input: unknown }) => heap.client.put(input) };

  it.each([
    ['a name', 'Block'], ['the full name of the original', 'POE::Filter::Block'], ['a name with parameters', ['Block', { MaxLength: 5 }]],
  ])('may be given as %s', async (_title, ClientFilter) => {
    await withHandlers({ ...echo, ClientFilter: ClientFilter as never }, async (scene) => {
      const client = await scene.connect();

      client.send('5\0hello');

      await client.expect('5\0hello');
    });
  });

  it('may be given as ClientInputFilter and ClientOutputFilter', async () => {
    await withHandlers({ ...echo, ClientInputFilter: ['Line', { Literal: '|' }] as never, ClientOutputFilter: 'Block' }, async (scene) => {
      const client = await scene.connect();

      client.send('hello|');

      await client.expect('5\0hello');
    });
  });

  it.each(['class', 'class and parameters', 'instance'])('may be given as %s, fresh for each client', async (form) => {
    // The worker's script makes them: classes and instances cannot be sent to it.
    await withServer({ ...ONE, program: 'filter-forms.mjs', worker: { ClientFilter: form } }, async (running) => {
      const [first, second] = [await running.connect(), await running.connect()];

      first.send('half of ');
      second.send('whole\n');
      await second.expect('whole\r\n');
      first.send('a line\n');

      await first.expect('half of a line\r\n');
    });
  });
});

describe('InlineStates, ObjectStates and PackageStates', () => {
  it('handle the events of a session; methods have their object as this', async () => {
    await withHandlers({
      ClientInput({ heap, kernel, session, input }) { heap.client.put(String(kernel.call(session, input))); },
      InlineStates: { inline: () => 'inline' },
      ObjectStates: [{ name: 'object', who(this: { name: string }) { return this.name; } }, ['who']],
      PackageStates: [{ name: 'package', who(this: { name: string }) { return this.name; } }, { which: 'who' }],
    }, async (scene) => {
      const client = await scene.connect();

      client.send('inline\nwho\nwhich\nother\n');

      await client.expect('inline\r\nobject\r\npackage\r\nundefined\r\n');
    });
  });

  it('that fail end this client only, whether they throw or reject', async () => {
    await withHandlers({
      ClientInput({ kernel, input }) { kernel.yield(input); },
      ClientError({ operation, error }) { tell('Error', [operation, error?.message]); },
      InlineStates: {
        throws() { throw new Error('thrown'); },
        rejects: () => Promise.reject(new Error('rejected')),
      },
    }, async (scene) => {
      const [first, second] = [await scene.connect(), await scene.connect()];
      first.send('throws\n');
      await first.expectEof();
      second.send('rejects\n');
      await second.expectEof();

      expect([await scene.told('Error'), await scene.told('Error', 2)]).toEqual([['callback', 'thrown'], ['callback', 'rejected']]);
    });
  });
});

describe('the constructor refuses', () => {
  const ignore = (): void => undefined;
  const four = { HighMark: 2, LowMark: 1, ClientHigh: ignore, ClientLow: ignore };

  it.each<[string, unknown, RegExp]>([
    ['HighMark alone', { HighMark: 2 }, /HighMark, LowMark, ClientHigh and ClientLow go together/],
    ['three of the marks', { ...four, ClientLow: undefined }, /go together: give all four or none/],
    ['a LowMark that is not lower', { ...four, LowMark: 2 }, /LowMark \(2\) must be lower than HighMark \(2\)/],
    ['SessionType', { SessionType: 'POE::Session' }, /SessionType .*has no meaning outside POE/],
    ['SessionParams', { SessionParams: [] }, /SessionParams .*has no meaning outside POE/],
    ['one filter of two', { ClientInputFilter: 'Line' }, /ClientInputFilter and ClientOutputFilter go together/],
    ['three filters', { ClientFilter: 'Line', ClientInputFilter: 'Line', ClientOutputFilter: 'Line' }, /ClientFilter excludes/],
    ['a filter that there is not', { ClientFilter: 'Lines' }, /Did you mean 'Line'/],
    ['a reserved event in InlineStates', { InlineStates: { shutdown: ignore } }, /InlineStates has 'shutdown', which is an event of the session itself/],
    ['a reserved event in ObjectStates', { ObjectStates: [{ _start: ignore }, ['_start']] }, /ObjectStates has '_start'/],
    ['a reserved event in PackageStates', { PackageStates: [{ x: ignore }, { tcp_server_got_input: 'x' }] }, /PackageStates has 'tcp_server_got_input'/],
    ['no ClientInput', { ClientInput: undefined }, /ClientInput is missing/],
    ['an Acceptor with a client side', { Acceptor: ignore }, /ClientInput is not used with Acceptor/],
    ['a callback that is no function', { ClientError: 'x' }, /ClientError must be a function/],
    ['args that are no array', { ClientArgs: 1, ListenerArgs: {} }, /ClientArgs must be an array.*ListenerArgs must be an array/s],
    ['an unknown option', { ClientInputs: ignore }, /ClientInputs.*ClientInput/s],
  ])('%s', (_title, given, message) => {
    const construct = (): unknown => new PreforkTcpServer({ ClientInput: ignore, HandleSignals: false, ...given as object });

    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_OPTION', message: expect.stringMatching(message) as string }));
  });
});

describe('Started and Stopped', () => {
  it('are called once each, in the master, with ListenerArgs', async () => {
    const calls: unknown[] = [];
    await withHandlers({
      ListenerArgs: [1, 'two'],
      Started({ args }) { calls.push(['Started', args]); },
      Stopped() { calls.push(['Stopped']); },
    }, async (scene) => {
      expect(calls).toEqual([['Started', [1, 'two']]]);
      await scene.running.server.shutdown();
    });

    expect(calls).toEqual([['Started', [1, 'two']], ['Stopped']]);
  });
});
