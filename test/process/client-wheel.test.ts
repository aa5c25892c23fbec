import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';

const MiB = 1024 * 1024;

/** The four options that go together, with handlers that report. */
const MARKS = {
  HighMark: 100_000,
  LowMark: 10_000,
  ClientHigh() { tell('High'); },
  ClientLow() { tell('Low'); },
};

describe('put', () => {
  it('sends any number of records, and returns false while the queue is below HighMark', async () => {
    await withHandlers({
      ClientInput({ heap }) { tell('put', heap.client.put('one', 'two', 'three')); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await client.expect('one\r\ntwo\r\nthree\r\n');
      expect(await scene.told('put')).toBe(false);
    });
  });

  it.each([
    ['text', 'Line'],
    ['bytes', 'Stream'],
  ])('returns true when the queue reaches HighMark; ClientHigh fires then, and ClientLow when it has drained: %s', async (_title, filter) => {
    await withHandlers({
      ...MARKS,
      ClientFilter: filter,
      ClientConnected({ heap }) {
        let puts = 1;
        while (!heap.client.put('x'.repeat(50_000))) puts += 1;
        tell('full', { puts, octets: heap.client.get_driver_out_octets() });
      },
    }, async (scene) => {
      const client = await scene.connect();
      client.pause();

      const { puts, octets } = await scene.told('full') as { puts: number; octets: number };
      expect(octets).toBeGreaterThanOrEqual(MARKS.HighMark);
      expect(scene.names).toEqual(['High', 'full']);
      client.resume();
      await client.read(puts * (filter === 'Line' ? 50_002 : 50_000));

      await scene.told('Low');
      expect(scene.names).toEqual(['High', 'full', 'Low']);
    });
  });

  it('in ClientLow may fill the queue again: nothing is read from the client meanwhile', async () => {
    await withHandlers<{ rounds?: number }>({
      HighMark: 100_000, LowMark: 10_000,
      ClientInput({ heap, input }) {
        tell(input);
        heap.client.put('x'.repeat(20_000_000));
      },
      ClientHigh() { tell('High'); },
      ClientLow({ heap }) {
        heap.rounds = (heap.rounds ?? 0) + 1;
        tell('Low');
        if (heap.rounds === 1) heap.client.put('x'.repeat(20_000_000));
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('first\nsecond\n');
      await client.read(3 * 20_000_002);

      await scene.told('Low', 3);
      expect(scene.names).toEqual(['first', 'High', 'Low', 'High', 'Low', 'second', 'High', 'Low']);
    });
  });

  it('never returns true without a ClientLow to follow, even if the kernel takes everything at once', async () => {
    await withHandlers({
      ...MARKS,
      HighMark: 1000, LowMark: 100,
      ClientInput({ heap }) { tell('put', heap.client.put('x'.repeat(2000))); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await client.expect(`${'x'.repeat(2000)}\r\n`);
      const isHigh = await scene.told('put');
      if (isHigh === true) await scene.told('Low');
      expect(scene.names).toEqual(isHigh === true ? ['High', 'put', 'Low'] : ['put']);
    });
  });

  it.each([
    ['in ClientDisconnected, after quit', 'quit\n'],
    ['after shutdown_output()', 'half\n'],
    ['long after the end', 'timer\n'],
  ])('sends nothing and is reported once the output has ended: %s', async (_title, sent) => {
    await withHandlers({
      ClientInput({ heap, kernel, input }) {
        heap.client.put('last');
        if (input === 'half') {
          heap.client.shutdown_output();
          tell('put', heap.client.put('never'));
          return;
        }
        kernel.yield('shutdown');
        if (input === 'timer') heap.client.socket.once('close', () => { tell('put', heap.client.put('never')); });
      },
      ClientDisconnected({ heap }) {
        if (heap.client.get_driver_out_octets() === 0) tell('Disconnected');
        tell('put', heap.client.put('never'));
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send(sent);
      await client.expect('last\r\n');
      await client.expectEof();
      client.close();

      expect(await scene.told('put')).toBe(false);
      expect(await scene.fault('put')).toMatchObject({ code: 'ERR_PREFORK_ENDED' });
      const other = await scene.connect();
      other.send('half\n');
      await other.expect('last\r\n');
    });
  });
});

describe('the rest of heap.client', () => {
  it('flush hands the output to the kernel before the callback ends', async () => {
    await withHandlers({
      ClientInput({ heap: { client } }) {
        client.put('one');
        client.put('two');
        const before = { octets: client.get_driver_out_octets(), isQueued: client.get_driver_out_messages() > 0 };
        client.flush();
        tell('flushed', { before, octets: client.get_driver_out_octets(), messages: client.get_driver_out_messages() });
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\n');

      await client.expect('one\r\ntwo\r\n');
      expect(await scene.told('flushed')).toEqual({ before: { octets: 10, isQueued: true }, octets: 0, messages: 0 });
    });
  });

  it('set_high_mark and set_low_mark change the marks of this client only, and refuse what is no number', async () => {
    await withHandlers({
      ClientInput({ heap: { client }, input }) {
        if (input === 'set') {
          client.set_high_mark(10);
          client.set_low_mark(5);
        } else if (input === 'wrong') {
          client.set_high_mark(NaN);
        } else {
          tell('put', client.put('x'.repeat(20_000_000)));
        }
      },
      HighMark: 100 * MiB, LowMark: 50 * MiB,
      ClientHigh() { tell('High'); },
      ClientLow() { tell('Low'); },
    }, async (scene) => {
      const [changed, other, wrong] = [await scene.connect(), await scene.connect(), await scene.connect()];
      other.pause();
      changed.pause();

      other.send('big\n');
      expect(await scene.told('put')).toBe(false);
      changed.send('set\nbig\n');
      expect(await scene.told('put', 2)).toBe(true);
      expect(scene.names).toEqual(['put', 'High', 'put']);
      wrong.send('wrong\n');
      await wrong.expectEof();

      expect((await scene.fault('ClientInput')).message).toBe('heap.client.set_high_mark was given NaN; it takes a number of bytes.');
    });
  });

  it('pause_input keeps records back, of the same read too, until resume_input', async () => {
    await withHandlers({
      ClientInput({ heap, kernel, input }) {
        heap.client.put(input);
        if (input === 'pause') {
          heap.client.pause_input();
          kernel.alias_set('paused');
        }
        if (input === 'resume') kernel.post('paused', 'resume');
      },
      InlineStates: { resume({ heap }) { heap.client.resume_input(); } },
    }, async (scene) => {
      const [client, other] = [await scene.connect(), await scene.connect()];
      client.send('pause\nsame read\n');
      await client.expect('pause\r\n');
      client.send('next read\n');
      other.send('fence\n');
      await other.expect('fence\r\n');
      client.expectNothing();

      other.send('resume\n');

      await client.expect('same read\r\nnext read\r\n');
    });
  });

  it('shutdown_input throws away what the client sends from then on; its end is still noticed', async () => {
    await withHandlers({
      ClientInput({ heap, input }) {
        heap.client.put(input);
        if (input === 'stop') heap.client.shutdown_input();
      },
      ClientError({ operation, errno }) { tell('Error', [operation, errno]); },
    }, async (scene) => {
      const [client, other] = [await scene.connect(), await scene.connect()];
      client.send('stop\nsame read\n');
      await client.expect('stop\r\n');
      await client.sendAll('next read\n');
      other.send('fence\n');
      await other.expect('fence\r\n');
      client.expectNothing();

      client.halfClose();

      await client.expectEof();
      expect(await scene.told('Error')).toEqual(['read', 0]);
    });
  });

  it('shutdown_output sends what is queued and FIN; input is handled on, and quit still ends the session', async () => {
    await withHandlers({
      ClientInput({ heap, kernel, input }) {
        tell(input);
        if (input === 'fin') {
          heap.client.put('last');
          heap.client.shutdown_output();
        }
        if (input === 'quit') kernel.yield('shutdown');
      },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const client = await scene.connect();
      client.send('fin\n');
      await client.expect('last\r\n');
      await client.expectEof();

      client.send('more\n');
      await scene.told('more');
      client.send('quit\n');

      await scene.told('Disconnected');
      await scene.running.until(({ totals }) => totals.connections === 0);
    });
  });

  it('ID is that of wheelId and unlike any other; socket is the net.Socket', async () => {
    await withHandlers({
      ClientInput({ heap: { client }, wheelId, session }) {
        client.put(JSON.stringify([client.ID === wheelId, client.ID, session.ID, client.socket.remotePort]));
      },
    }, async (scene) => {
      const clients = [await scene.connect(), await scene.connect()];
      for (const client of clients) client.send('\n');

      const answers = await Promise.all(clients.map(async (client) => JSON.parse(await client.readLine()) as [boolean, number, number, number]));

      expect(answers.map(([isSame]) => isSame)).toEqual([true, true]);
      expect(new Set(answers.flatMap(([, wheel, session]) => [wheel, session])).size).toBe(4);
      expect(answers.map(([, , , port]) => port)).toEqual(clients.map(({ socket }) => socket.localPort));
    });
  });
});

describe('the filters of a client', () => {
  it('set_filter changes both directions between two records; bytes that wait go to the new one', async () => {
    await withHandlers({
      ClientInput({ heap: { client }, input }) {
        client.put(`${input};`);
        if (Buffer.from(input).toString() === 'block') client.set_filter(new library.BlockFilter({ BlockSize: 4 }));
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('line\nblock\nABCDEFGHIJ');
      await client.expect('line;\r\nblock;\r\nABCD;EFGH;');
      client.send('KL');

      await client.expect('IJKL;');
    });
  });

  it('set_input_filter and set_output_filter change one direction; the getters return what is in force', async () => {
    await withHandlers({
      ClientInput({ heap: { client }, input }) {
        const [line, which] = [new library.LineFilter({ Literal: '|' }), input];
        const before = [client.get_input_filter(), client.get_output_filter()];
        if (which === 'in') client.set_input_filter(line);
        if (which === 'out') client.set_output_filter(line);
        const after = [client.get_input_filter(), client.get_output_filter()];
        client.put(`${which} ${after.map((filter, index) => (filter === before[index] ? 'same' : filter === line ? 'new' : 'strange')).join(' ')}`);
      },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('none\nin\na|out|b|');

      await client.expect('none same same\r\nin new same\r\na same same\r\nout same new|b same same|');
    });
  });
});
