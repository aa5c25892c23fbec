import { describe, expect, it } from 'vitest';
import type { Scene } from '../programs/inline.js';
import { withHandlers } from '../programs/inline.js';
import type { TcpClient } from '../support/tcp-client.js';

/** Ends a client that was greeted. */
type End = (client: TcpClient, scene: Scene) => unknown;

const LONG = 'x'.repeat(101);
const drain: End = (client, { running }) => { running.server.term(running.ready[0] ?? 0); return client; };

const CASES: readonly [title: string, end: End, calls: readonly (string | RegExp)[]][] = [
  ['quit', (client) => { client.send('quit\n'); },
    ['Input quit', 'Flushed', 'Disconnected with wheel']],
  ['quit with more input behind it', (client) => { client.send('quit\nquit\nlate\n'); client.halfClose(); },
    ['Input quit', 'Flushed', 'Disconnected with wheel']],
  ['quit, while a large answer is pending', async (client) => { client.pause(); client.send('big\nquit\n'); await afterwards(client); },
    ['Input big', 'Flushed', 'Input quit', 'Flushed', 'Disconnected with wheel']],
  ['the end of its input', (client) => { client.halfClose(); },
    ["Error read 0 ''", 'Disconnected']],
  ['the end of its input, while a large answer is pending', async (client) => { client.pause(); client.send('big\n'); client.halfClose(); await afterwards(client); },
    // It is not read while its output is above HighMark, so the end is not known before.
    ['Input big', 'Flushed', "Error read 0 ''", 'Disconnected']],
  ['a record without an end, and the end of its input', (client) => { client.send('quit'); client.halfClose(); },
    ["Error read 0 ''", 'Disconnected']],
  ['a reset', (client) => { client.reset(); },
    ["Error read 104 'connection reset by peer'", 'Disconnected']],
  ['a reset, while a large answer is pending', async (client, scene) => { client.pause(); client.send('big\n'); await scene.told('Input big'); client.reset(); },
    ['Input big', /^Error (read|write) (104|32) '.+'$/, 'Disconnected']],
  ['a throw of ClientInput', (client) => { client.send('throw\nlate\n'); },
    ['Input throw', "Error callback 0 'as asked'", 'Disconnected']],
  ['a rejection of ClientInput', (client) => { client.send('reject\nlate\n'); },
    ['Input reject', "Error callback 0 'as asked'", 'Disconnected']],
  ['a throw of its own event', (client) => { client.send('event\n'); },
    ['Input event', "Error callback 0 'in the event'", 'Disconnected']],
  ['a record that is too long', (client) => { client.send(`${LONG}\nlate\n`); },
    [/^Error input 0 '.+MaxLength \(100 bytes\).*'$/, 'Disconnected']],
  ['the idle time', () => undefined,
    ["Error read 110 'connection timed out'", 'Disconnected']],
  ["destroy() of the user's own", (client) => { client.send('destroy\nlate\n'); },
    ['Input destroy', 'Disconnected']],
  ['quit during the drain of its worker', async (client, scene) => { await drain(client, scene); await scene.told('Draining'); client.send('quit\n'); },
    ['Draining', 'Input quit', 'Flushed', 'Disconnected with wheel']],
  ['the end of its input during the drain', async (client, scene) => { await drain(client, scene); await scene.told('Draining'); client.halfClose(); },
    ['Draining', "Error read 0 ''", 'Disconnected']],
  ['the deadline of the drain', drain,
    ['Draining', 'Disconnected']],
  ["the end of its worker's shutdown, asked by itself", async (client, scene) => { client.send('exit\n'); await scene.told('Draining'); client.send('quit\n'); },
    ['Input exit', 'Draining', 'Input quit', 'Flushed', 'Disconnected with wheel']],
];

/** Waits until the worker has answered as much as fits, and reads all of it. */
async function afterwards(client: TcpClient): Promise<void> {
  client.resume();
  await client.read(20_000_002);
}

describe('the order of the callbacks of a client', () => {
  it.each(CASES)('each exactly once: %s', async (title, end, calls) => {
    await withHandlers({
      GraceExpireTime: title.includes('deadline') ? 0.1 : 10,
      ClientTimeout: title.includes('idle') ? 0.1 : 0,
      ClientFilter: ['Line', { MaxLength: 100 }] as unknown as string,
      ClientConnected({ heap }) {
        tell('Connected');
        heap.client.put('hello');
      },
      ClientInput({ heap, kernel, input }) {
        tell(`Input ${input}`);
        if (input === 'throw') throw new Error('as asked');
        if (input === 'reject') return Promise.reject(new Error('as asked'));
        if (input === 'big') heap.client.put('x'.repeat(20_000_000));
        if (input === 'event') kernel.yield('fail');
        if (input === 'destroy') heap.client.socket.destroy();
        if (input === 'exit') kernel.post(heap.master_alias, 'shutdown');
        if (input === 'quit') {
          heap.client.put('bye');
          kernel.yield('shutdown');
        }
        return undefined;
      },
      ClientFlushed({ heap }) {
        tell(heap.shutdown || heap.client.get_driver_out_octets() === 0 ? 'Flushed' : 'Flushed too early');
      },
      ClientError({ heap, operation, errno, errstr, wheelId }) {
        tell(`Error ${operation} ${errno} '${errstr}'`, wheelId === heap.client.ID);
      },
      ClientDraining() { tell('Draining'); },
      ClientDisconnected({ heap, wheelId }) {
        tell(wheelId === undefined ? 'Disconnected' : wheelId === heap.client.ID ? 'Disconnected with wheel' : 'Disconnected with a strange wheel');
      },
      InlineStates: { fail() { throw new Error('in the event'); } },
    }, async (scene) => {
      const client = await scene.connect();
      await client.expect('hello\r\n');
      await scene.told('Flushed');

      await end(client, scene);

      await scene.told(String(calls.at(-1)));
      client.close();
      // What comes until the worker has ended would show a second call.
      const [connected, flushed, ...rest] = await scene.end();
      expect([connected, flushed]).toEqual(['Connected', 'Flushed']);
      expect(rest).toEqual(calls.map((call) => (typeof call === 'string' ? call : expect.stringMatching(call) as string)));
    });
  });
});
