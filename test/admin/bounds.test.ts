import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AdminServer, BOUNDS, type Bounds } from '../../src/admin/admin-server.js';
import { resolveAdmin } from '../../src/admin/admin-options.js';
import { Page } from '../../src/admin/page.js';
import { systemClock, type Clock } from '../../src/clock.js';
import { ask } from '../support/admin-client.js';
import { BUILD, FakePool } from '../support/fake-pool.js';
import { ManualClock } from '../support/manual-clock.js';
import { poll, within } from '../support/wait.js';

const Token = 'sesame';

describe('Requests of the admin side are bounded', () => {
  const ends: (() => void)[] = [];
  afterEach(() => { for (const end of ends.splice(0)) end(); });

  async function open(bounds: Partial<Bounds> = {}, clock: Clock = systemClock): Promise<{ readonly url: string; readonly port: number }> {
    const admin = new AdminServer({ config: resolveAdmin({ Port: 0, Token }), pool: new FakePool(), page: new Page(''), build: BUILD, clock, bounds });
    const server: Server = admin.entrance('tcp').listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    ends.push(() => {
      admin.close();
      server.close();
      server.closeAllConnections();
    });
    return { url: `http://127.0.0.1:${port}/`, port };
  }

  /** A connection that says a text and then nothing. @returns what it got, when the server has closed it */
  const said = async (port: number, text: string): Promise<string> => {
    let answer = '';
    const socket: Socket = connect(port, '127.0.0.1', () => { socket.write(text); });
    socket.setEncoding('latin1').on('data', (piece: string) => { answer += piece; }).on('error', () => undefined);
    await within(once(socket, 'close'), () => `the end of a connection that said ${JSON.stringify(text.slice(0, 40))}, and got ${answer}`);
    return answer;
  };

  it('in time: of a head, of a body, and between requests', async () => {
    const { port } = await open({ headersTimeout: 100, requestTimeout: 150, keepAliveTimeout: 100, connectionsCheckingInterval: 20 });
    const [head, body, idle] = await Promise.all([
      said(port, 'GET /status HTTP/1.1\r\nHost: localhost\r\n'),
      said(port, `POST /workers/1/term HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${Token}\r\nContent-Length: 100\r\n\r\nslow`),
      said(port, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'),
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

  it('in number: of requests, but health is always known', async () => {
    const clock = new ManualClock();
    const { url } = await open({}, clock);
    const code = async (): Promise<number> => (await ask(`${url}status`)).code;
    const codes = await Promise.all(Array.from({ length: 210 }, code));

    expect(codes.filter((each) => each === 429)).toHaveLength(10);
    expect((await ask(`${url}readyz`)).code).toBe(200);
    clock.advance(20);
    expect([await code(), await code()]).toEqual([200, 429]);
  });

  it('unless someone takes them away: none is without an end', () => {
    expect(Object.values(BOUNDS).every((bound) => Number.isFinite(bound) && bound > 0)).toBe(true);
  });
});
