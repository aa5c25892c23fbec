import { describe, expect, it } from 'vitest';
import { ONE, QUICK, TWO, clientOfEach, withServer, type Running } from '../support/with-server.js';
import { withMaster } from '../support/master-process.js';
import { waitRefused, type TcpClient } from '../support/tcp-client.js';
import { poll } from '../support/wait.js';

const RELAY = { ...TWO, ...QUICK, MaxSessionPerServer: 1, program: 'relay.mjs' };

// What a client may say: the control messages of Node and of this library among it.
const POISON: readonly unknown[] = [
  { cmd: 'NODE_HANDLE_ACK' }, { cmd: 'NODE_HANDLE', type: 'net.Socket' }, { cmd: 'NODE_CLUSTER', act: 'exit' },
  { 'prefork-tcp-server': { type: 'shutdown-all' } }, { 'prefork-tcp-server': { type: 'drain', reason: 'asked', graceMs: 0 } },
  { 'prefork-tcp-server': { type: 'hello', version: 999 } }, { 'prefork-tcp-server': { type: 'welcome', token: 'guessed' } },
  { 'watch:import': ['x'] }, null, 0, '', [], { type: 'message', text: '{' },
];

async function both(running: Running, body: (one: TcpClient, other: TcpClient) => Promise<void>): Promise<void> {
  await running.settled(2);
  const [one, other] = await clientOfEach(running);
  await body(one, other);
}

describe('messages of the user', () => {
  it.each(['send', 'raw'])('carry whatever a client said to the master, sent with %s', async (word) => {
    await withServer({ ...RELAY, ...ONE }, async (running) => {
      const messages: unknown[] = [];
      running.server.on('worker:message', ({ message }) => { messages.push(message); });
      const client = await running.join();

      // As Node's own messages `watch:` ones go its own way, and are not for the master.
      const given = word === 'raw' ? POISON.filter((one) => !JSON.stringify(one).includes('watch:')) : POISON;
      for (const one of given) client.send(`${word} ${JSON.stringify(one)}\n`);
      await client.expect('sent true\r\n'.repeat(given.length));
      await running.heartbeats();

      expect(messages).toEqual(given);
      expect(running.eventsOf('worker:exit')).toEqual([]);
      expect(running.server.status().stopping).toBe(false);
    });
  });

  it('that bring a socket arrive without it: its client is not left waiting in the master, nor counted by the worker', async () => {
    await withServer({ ...RELAY, ...ONE }, async (running) => {
      const messages: unknown[] = [];
      running.server.on('worker:message', ({ message }) => { messages.push(message); });
      const client = await running.join();

      client.send('give "away"\n');
      await client.expectEof();
      await running.server.waitUntil(({ totals }) => totals.connections === 0);

      expect(messages).toEqual(['away']);
      expect(running.eventsOf('worker:error').map(({ detail }) => detail)).toMatchObject([{ where: 'message', error: { code: 'ERR_PREFORK_MESSAGE' } }]);
    });
  });

  it('reach every worker by broadcast, from a worker as from the master, in one order', async () => {
    await withServer(RELAY, async (running) => {
      await both(running, async (one, other) => {
        for (const message of POISON) one.send(`broadcast ${JSON.stringify(message)}\n`);
        await other.expect(POISON.map((message) => `got ${JSON.stringify(message)}\r\n`).join(''));
        expect(running.server.broadcast('from the master')).toBe(2);
        await other.expect('got "from the master"\r\n');

        other.send('heard\n');
        await other.expect(`heard ${JSON.stringify([...POISON, 'from the master'])}\r\n`);
      });
    });
  });

  it('are all that a listener for process.on("message") hears: no orders of the library, nor their handles', async () => {
    await withServer({ ...RELAY, ...ONE, MaxSessionPerServer: 2 }, async (running) => {
      const client = await running.join();
      running.server.configure({ ServerHeartBeatTime: 0.05 });
      running.server.pause();
      running.server.resume();

      running.server.broadcast({ from: 'the master' });
      await client.expect('got {"from":"the master"}\r\n');

      client.send('heard-raw\n');
      await client.expect('heard [{"from":"the master"}]\r\n');
    });
  });

  it('ask, and get the answer of the master', async () => {
    await withServer({ ...RELAY, ...ONE }, async (running) => {
      const client = await running.join();

      client.send('ask "anyone?"\n');
      await client.expectMatch(/ERR_PREFORK_MESSAGE ask\(\) got no answer: the master has no listener for worker:message\.\r\n/);
      running.server.on('worker:message', ({ message, answer }) => { answer({ to: message }); });
      client.send('ask {"n":1}\n');
      await client.expect('answer {"to":{"n":1}}\r\n');
      client.send('send\n');
      await client.expectMatch(/ERR_PREFORK_MESSAGE send\(\) was given a message of which JSON makes nothing/);
    });
  });

  it('over which a listener of the master stumbles get no answer, with the reason, and cost nothing else', async () => {
    await withServer({ ...RELAY, ...ONE }, async (running) => {
      const client = await running.join();
      running.server.on('worker:message', ({ message, answer }) => { answer((message as { name: string }).name.length); });

      client.send('ask null\nask {"name":"ann"}\n');

      await client.expectMatch(/^ERR_PREFORK_MESSAGE ask\(\) got no answer: the master's listener for worker:message failed: Cannot read properties of null[^\r]*\r\n/);
      await client.expect('answer 3\r\n');
      expect((await running.event('worker:error')).detail).toMatchObject({ where: 'worker:message', error: { name: 'TypeError' } });
    });
  });

  it('over which the listeners of all workers stumble end none of them', async () => {
    await withServer(RELAY, async (running) => {
      await both(running, async (one, other) => {
        one.send('broadcast "stumble"\n');

        await other.expect('got "stumble"\r\n');
        await one.expectMatch(/^(sent|got)/);
        const pids = new Set<number>();
        await running.event('worker:error', ({ pid, where, error }) => where === 'message' && error.message === 'over a broadcast' && pids.add(pid).size === 2);
        expect(running.eventsOf('worker:exit')).toEqual([]);
      });
    });
  });

  it('that a callback sends when the master was killed are lost, and cost no client', async () => {
    await withMaster({ program: 'relay.mjs', options: { ...ONE, GraceExpireTime: 60 } }, async (master) => {
      const client = await master.join();

      master.signal('SIGKILL');
      await master.exit();
      // It drains when it knows that the master has gone.
      await waitRefused(await master.up());

      client.send('raw 1\n');
      await client.expectMatch(/^(sent \w+|ERR_\w+ [^\r]+)\r\n/);
      client.send('send 2\nbroadcast 3\nstill\n');
      await client.expect('sent false\r\nsent 0\r\nstill\r\n');
    });
  });

  it('that ask, and are left without an answer, cost no client, whether or not the program handles that', async () => {
    await withMaster({ program: 'relay.mjs', options: { ...ONE, GraceExpireTime: 60 } }, async (master) => {
      const client = await master.join();
      client.send('forget 1\nlater 2\n');
      await master.event('worker:message', ({ message }) => message === 2);

      master.signal('SIGKILL');
      await master.exit();
      await waitRefused(await master.up());

      client.send('forget 3\nlater 4\n');
      // The second line is heard a turn after the first: by then nothing is left that would end the worker.
      client.send('still\n');
      await client.expect('still\r\n');
      client.send('here\n');
      await client.expect('here\r\n');
    });
  });

  it('that ask without an answer, and a reload() in a worker, are reported where the program does not handle that; what else it does not handle ends a worker as ever', async () => {
    await withServer({ ...RELAY, ...ONE }, async (running) => {
      const client = await running.join();

      client.send('later 1\n');

      expect((await running.event('worker:error')).detail).toMatchObject({ where: 'ask()', error: { code: 'ERR_PREFORK_MESSAGE' } });
      // As a listener of a signal gets it.
      client.send('reload "SIGUSR2"\n');
      await running.event('worker:error', ({ where, error }) => where === 'reload()' && error.message.startsWith('reload() works in the master only'));
      client.send('still\n');
      await client.expect('still\r\n');
      client.send('reject\n');
      expect((await running.event('worker:exit')).detail).toMatchObject({ code: 1, reason: 'crashed' });
    });
  });

  it('are not asked with by a master, which lives to say so', async () => {
    await withMaster({ program: 'relay.mjs', options: { ...ONE, std: { asks: true } }, env: { NODE_NO_WARNINGS: '0' } }, async (master) => {
      await master.line(/^\(node:\d+\).* ask\(\) works in a worker only/, 'stderr');

      const client = await master.join();
      client.send('served\n');
      await client.expect('served\r\n');
    });
  });

  it('are those that the program has sent, under node --watch too, where Node sends its own', async () => {
    await withMaster({ program: 'relay.mjs', execArgv: ['--watch'], options: ONE, detached: true }, async (master) => {
      const client = await master.join();

      client.send('raw "mine"\n');
      await master.event('worker:message');

      expect(master.all('worker:message').map(({ message }) => message)).toEqual(['mine']);
    });
  });

  it('go on while a drain does, in both directions', async () => {
    await withServer({ ...RELAY, GraceExpireTime: 20 }, async (running) => {
      await both(running, async (one, other) => {
        const messages: unknown[] = [];
        running.server.on('worker:message', ({ message }) => { messages.push(message); });
        const stopped = running.server.shutdown();
        await running.until(({ totals }) => totals.draining === 2);

        one.send('broadcast "still here"\n');
        await other.expect('got "still here"\r\n');
        one.send('send 1\n');
        await one.expectMatch(/sent true\r\n/);
        expect(running.server.broadcast('to all')).toBe(2);
        expect(running.server.send(other.pid, 'to one')).toBe(true);
        await other.expect('got "to all"\r\ngot "to one"\r\n');

        // The client's line and the message to the master go different ways.
        await poll(() => messages.length > 0, () => 'the message');
        expect(messages).toEqual([1]);
        for (const client of [one, other]) client.close();
        await stopped;
        expect(running.server.broadcast('to none')).toBe(0);
        expect(running.server.send(other.pid, 'to none')).toBe(false);
        expect([running.server.term(other.pid), running.server.kill(other.pid), running.server.born()]).toEqual([false, false, 0]);
      });
    });
  });
});
