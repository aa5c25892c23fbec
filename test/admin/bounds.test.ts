import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AdminServer, BOUNDS, type Bounds } from '../../src/admin/admin-server.js';
import { resolveAdmin } from '../../src/admin/admin-options.js';
import { agentServer } from '../../src/admin/agent.js';
import { Page } from '../../src/admin/page.js';
import type { PoolView } from '../../src/admin/pool-view.js';
import { systemClock, type Clock } from '../../src/clock.js';
import { ask } from '../support/admin-client.js';
import { BUILD, FakePool } from '../support/fake-pool.js';
import { ManualClock } from '../support/manual-clock.js';
import { serverStatus } from '../support/status.js';
import { poll, within } from '../support/wait.js';

const Token = 'sesame';


describe('Requests of the admin side are bounded', () => {
  const ends: (() => void)[] = [];
  afterEach(() => { for (const end of ends.splice(0)) end(); });

  async function open(bounds: Partial<Bounds> = {}, clock: Clock = systemClock, pool: PoolView = new FakePool()): Promise<{ readonly url: string; readonly port: number; readonly server: Server }> {
    const admin = new AdminServer({ config: resolveAdmin({ Port: 0, Token }), pool, page: new Page(''), build: BUILD, clock, bounds });
    const server: Server = admin.entrance('tcp').listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    ends.push(() => {
      admin.close();
      server.close();
      server.closeAllConnections();
    });
    return { url: `http://127.0.0.1:${port}/`, port, server };
  }

  /** Waits until a server has no connection. */
  const empty = async (server: TcpServer): Promise<void> => poll(async () => await connections(server) === 0, () => 'the end of the connection');
  const connections = async (server: TcpServer): Promise<number> => new Promise((resolve) => { server.getConnections((_error, count) => { resolve(count); }); });

  /** A connection that says a text and then nothing. @returns what it got, when the server has closed it */
  const said = async (port: number, text: string): Promise<string> => {
    let answer = '';
    const socket: Socket = connect(port, '127.0.0.1', () => { socket.write(text); });
    socket.setEncoding('latin1').on('data', (piece: string) => { answer += piece; }).on('error', () => undefined);
    await within(once(socket, 'close'), () => `the end of a connection that said ${JSON.stringify(text.slice(0, 40))}, and got ${answer}`);
    return answer;
  };

  it('in time: of a head, of a body, and between requests', async () => {
    const saidAt = async (bounds: Partial<Bounds>, text: string): Promise<string> => said((await open(bounds)).port, text);
    const [head, body, idle] = await Promise.all([
      saidAt({ headersTimeout: 100, connectionsCheckingInterval: 20 }, 'GET /status HTTP/1.1\r\nHost: localhost\r\n'),
      // Long enough for a machine under load to read the head.
      saidAt({ headersTimeout: 1000, requestTimeout: 1000, connectionsCheckingInterval: 20 },
        `POST /workers/1/term HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${Token}\r\nContent-Length: 100\r\n\r\nslow`),
      saidAt({ keepAliveTimeout: 100 }, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    ]);

    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    // It is answered before its body has come, and let go when that takes too long.
    expect(body).toMatch(/^HTTP\/1\.1 404 /);
    expect(idle).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('in size: of a head and of a body', async () => {
    const { url, port } = await open();

    expect((await ask(`${url}status`, { headers: { 'x-large': 'x'.repeat(9000) } })).code).toBe(431);
    expect(await said(port, `POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5000)}`)).toMatch(/^HTTP\/1\.1 (404|413) /);
  });

  it('in number: of connections', async () => {
    const { port, url } = await open({ connections: 2 });
    const open2 = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    ends.push(() => { for (const socket of open2) socket.destroy(); });
    await Promise.all(open2.map((socket) => once(socket, 'connect')));

    await expect(ask(`${url}livez`)).rejects.toThrow(/socket hang up|ECONNRESET/);
    for (const socket of open2) socket.destroy();
    await poll(() => ask(`${url}livez`).then(({ code }) => code === 200, () => false), () => 'an answer when there is room');
  });

  it('in number: of viewers', async () => {
    const { url, port } = await open({ viewers: 1 });
    const viewer = connect(port, '127.0.0.1', () => { viewer.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n'); });
    ends.push(() => { viewer.destroy(); });
    await once(viewer, 'data');

    expect(await ask(`${url}events`)).toMatchObject({ code: 503, body: 'There are 1 viewers already.\n', headers: { 'retry-after': '10' } });
  });

  it.each(['', 'status', 'nope'])('in number: of requests for /%s, but health is always known', async (path) => {
    const clock = new ManualClock();
    const { url } = await open({}, clock);
    const code = async (): Promise<number> => (await ask(url + path)).code;
    const codes = await Promise.all(Array.from({ length: 210 }, code));

    expect(codes.filter((each) => each === 429)).toHaveLength(10);
    expect((await ask(`${url}readyz`)).code).toBe(200);
    clock.advance(20);
    expect([await code(), await code()]).toEqual([path === 'nope' ? 404 : 200, 429]);
  });

  it('in what a flood for health costs: it is worked out 50 times a second, and each has to connect anew', async () => {
    const clock = new ManualClock();
    const pool = new FakePool();
    const { url } = await open({}, clock, pool);
    const before = pool.reads;
    const answers = [];
    for (let count = 0; count < 210; count++) answers.push(await ask(`${url}readyz`, { headers: { connection: 'keep-alive' } }));
    expect(pool.reads - before).toBe(200);
    expect(answers.every(({ code }) => code === 200)).toBe(true);
    expect(answers.filter(({ headers }) => headers.connection === 'close')).toHaveLength(10);

    pool.show(serverStatus({ paused: true }));
    expect((await ask(`${url}readyz`)).code).toBe(200);
    clock.advance(20);
    expect((await ask(`${url}readyz`)).body).toBe('not ready: it is paused\n');
    expect((await ask(`${url}livez`)).code).toBe(200);
  });

  it('in time: of an answer that its client does not take', async () => {
    const { port, server } = await open({ answerTimeout: 100 }, systemClock, Object.assign(new FakePool(), { metrics: () => 'x'.repeat(24 * 2 ** 20) }));
    const socket = connect(port, '127.0.0.1', () => { socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'); });
    ends.push(() => { socket.destroy(); });
    await once(socket.on('error', () => undefined), 'data');
    // The rest fills the kernel's buffers, and no more goes out.
    socket.pause();
    await empty(server);
  });

  describe('for HAProxy\'s agent', () => {
    async function openAgent(clock: Clock, pool = new FakePool()): Promise<{ readonly port: number; readonly server: TcpServer }> {
      const server = agentServer(pool, clock).listen(0, '127.0.0.1');
      await once(server, 'listening');
      ends.push(() => { server.close(); });
      return { port: (server.address() as AddressInfo).port, server };
    }

    it('in time: of whoever goes on talking', async () => {
      const clock = new ManualClock();
      const { port, server } = await openAgent(clock);
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      ends.push(() => { socket.destroy(); });
      socket.on('error', () => undefined);
      await once(socket.resume(), 'end');
      for (let second = 0; second < 2; second++) {
        socket.write('still here');
        expect(await connections(server)).toBe(1);
        clock.advance(1000);
      }
      await empty(server);
    });

    it('in what a flood costs: the line is worked out 50 times a second', async () => {
      const clock = new ManualClock();
      const pool = new FakePool();
      const { port } = await openAgent(clock, pool);
      const line = async (): Promise<string> => {
        let text = '';
        for await (const piece of connect(port, '127.0.0.1').setEncoding('utf8')) text += String(piece);
        return text;
      };
      for (let count = 0; count < 210; count++) expect(await line()).toBe('ready up 100%\n');
      expect(pool.reads).toBe(200);

      pool.show(serverStatus({ paused: true }));
      clock.advance(20);
      expect(await line()).toBe('maint\n');
    });
  });

  it('unless someone takes them away: none is without an end', () => {
    expect(Object.values(BOUNDS).every((bound) => Number.isFinite(bound) && bound > 0)).toBe(true);
  });
});
