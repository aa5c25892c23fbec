import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import type { AcceptorContext, ClientErrorContext, Context } from 'prefork-tcp-server';
import { withHandlers } from '../programs/inline.js';
import type { Scene } from '../programs/inline.js';
import { Authority } from '../support/certificates.js';
import { withMaster } from '../support/master-process.js';
import { sendSignal } from '../support/processes.js';
import { runTool, type Outcome } from '../support/run-tool.js';
import { TcpClient } from '../support/tcp-client.js';
import { requireTool } from '../support/tools.js';
import { poll, within } from '../support/wait.js';
import { ONE } from '../support/with-server.js';

/** What callbacks ask of a TLS socket. */
type Secure = Pick<TLSSocket, 'alpnProtocol' | 'authorized' | 'encrypted' | 'getPeerCertificate' | 'isSessionReused'>;

/** Says what it knows of its client, echoes, and tells of everything. */
const HANDLERS = {
  ClientConnected({ heap }: Context<object>) {
    const socket = heap.client.socket as unknown as Secure;
    const certificate = socket.getPeerCertificate() as { subject?: { CN?: string } };
    heap.client.put(`${process.pid} ${String(socket.authorized)} ${certificate.subject?.CN ?? '-'} ${String(socket.alpnProtocol)} ${socket.isSessionReused() ? 'resumed' : 'new'} ${heap.remote_ip}`);
  },
  ClientInput({ heap, input, kernel }: Context<object> & { input: string }) {
    heap.client.put(`you said ${input}`);
    if (input === 'quit') kernel.yield('shutdown');
  },
  ClientError: ({ operation, errstr, error }: ClientErrorContext<object>) => {
    if (error !== undefined) tell('Error', `${operation} ${String((error as NodeJS.ErrnoException).code)} ${errstr}`);
  },
  ClientDisconnected() { tell('Disconnected'); },
};

describe.runIf(requireTool('openssl') && requireTool('curl'))('Tls', () => {
  const authority = new Authority();
  const { root: { cert: ca, certFile: caFile } } = authority;
  const [one, other, client, later] = ['one.example', 'other.example', 'client.example', 'later.example'].map((host) => authority.issue(host)) as [
    ReturnType<typeof authority.issue>, ReturnType<typeof authority.issue>, ReturnType<typeof authority.issue>, ReturnType<typeof authority.issue>];
  const stranger = authority.selfSigned('stranger');
  afterAll(() => { authority.remove(); });

  const pair = ({ cert, key }: { cert: string; key: string }): { cert: string; key: string } => ({ cert, key });

  /** A client of Node's own; it speaks when its handshake is done. */
  async function secure(scene: { readonly running: Pick<Scene['running'], 'port'> }, options: ConnectionOptions = {}): Promise<{ client: TcpClient; socket: TLSSocket; session: () => Buffer | undefined }> {
    const socket = connect({ port: scene.running.port, host: '127.0.0.1', ca, servername: 'one.example', ...options });
    let session: Buffer | undefined;
    socket.on('session', (given) => { session = given; });
    const speaker = new TcpClient(socket);
    await within(new Promise<void>((resolve, reject) => { socket.once('secureConnect', resolve).once('error', reject); }), () => 'a handshake');
    return { client: speaker, socket, session: () => session };
  }

  it('asks for certificates and verifies them as tls.Server does, chooses the server\'s by name, and agrees on a protocol', async () => {
    await withHandlers({
      ...HANDLERS,
      Tls: { ...pair(one), contexts: { '*.example': pair(other), 'one.example': pair(one) }, ca, requestCert: true, ALPNProtocols: ['lines'] },
    }, async (scene) => {
      const talk = (...args: readonly string[]): Promise<Outcome> => runTool('openssl', [
        's_client', '-quiet', '-verify_return_error', '-CAfile', caFile, '-connect', `127.0.0.1:${scene.running.port}`, ...args,
      ], 'hello\nquit\n');
      const mine = ['-cert', client.certFile, '-key', client.keyFile];

      const good = await talk(...mine, '-servername', 'one.example', '-alpn', 'lines', '-verify_hostname', 'one.example');
      const byName = await talk(...mine, '-servername', 'two.example', '-verify_hostname', 'other.example');
      const wrongHost = await talk(...mine, '-servername', 'one.example', '-verify_hostname', 'evil.example');
      const selfSigned = await talk('-cert', stranger.certFile, '-key', stranger.keyFile);
      const none = await talk();
      const noProtocol = await talk(...mine, '-alpn', 'other');

      expect(good.stdout, good.stderr).toMatch(/^\d+ true client\.example lines new 127\.0\.0\.1\r\nyou said hello\r\nyou said quit\r\n$/);
      expect(byName.stdout).toMatch(/^\d+ true client\.example false new /);
      expect([wrongHost, selfSigned, none, noProtocol].map(({ stdout }) => stdout)).toEqual(['', '', '', '']);
      expect(noProtocol.stderr).toContain('no application protocol');
      await scene.running.until(({ totals }) => totals.connections === 0 && totals.served === 6);
      expect(await scene.end()).toHaveLength(6);
      expect(scene.all.filter(({ name }) => name === 'Error').map(({ detail }) => detail)).toEqual([
        expect.stringMatching(/^read (ERR_SSL_|ECONNRESET)/), // the client has refused the server's
        "read DEPTH_ZERO_SELF_SIGNED_CERT The client's certificate was refused: DEPTH_ZERO_SELF_SIGNED_CERT (no certificate of Tls.ca has signed it).",
        'read ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE TLS handshake: peer did not return a certificate',
        'read ERR_SSL_NO_APPLICATION_PROTOCOL TLS handshake: no application protocol',
      ]);
      expect(scene.running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('resumes a session in another worker, and renews certificates under load without a restart', async () => {
    await withHandlers({ ...HANDLERS, MaxServer: 2, StartServer: 2, Tls: { ...pair(one), ca, requestCert: true } }, async (scene) => {
      const { running } = scene;
      await running.settled(2);
      const pids = running.ready;
      const greeting = async (options: ConnectionOptions): Promise<{ pid: string; how: string; session: Buffer | undefined; name: unknown }> => {
        const { client: speaker, socket, session } = await secure(scene, { ...pair(client), ...options });
        const [pid = '', , , , how = ''] = (await speaker.readLine()).split(' ');
        // A session that is resumed with TLS 1.2 brings no certificate.
        const { subject } = socket.getPeerCertificate() as { subject?: { CN: string } };
        speaker.send('quit\n');
        await speaker.expect('you said quit\r\n');
        await speaker.expectEof();
        speaker.close();
        return { pid, how, session: session(), name: subject?.CN };
      };
      const versions = ['TLSv1.2', 'TLSv1.3'] as const;
      const sessions: (Buffer | undefined)[] = [];
      for (const maxVersion of versions) {
        const { pid, session } = await greeting({ maxVersion });
        sessions.push(session);
        const heard = new Set<string>();
        for (let tries = 0; tries < 40 && !(heard.size > 1 || (heard.size === 1 && !heard.has(pid))); tries++) {
          const again = await greeting({ maxVersion, session });
          expect(again.how).toBe('resumed');
          heard.add(again.pid);
        }
        expect([...heard].some((worker) => worker !== pid), maxVersion).toBe(true);
      }

      const { client: old } = await secure(scene, pair(client));
      await old.readLine();
      const names: unknown[] = [];
      let isRenewed = false;
      const load = Array.from({ length: 2 }, async () => {
        // Until each of the two has met the new certificate a few times.
        for (let seen = 0, tries = 0; seen < 5 && tries < 500; tries++) {
          const { name } = await greeting({ servername: '', checkServerIdentity: () => undefined });
          names.push(name);
          if (isRenewed && name === 'later.example') seen += 1;
        }
      });
      await poll(() => names.length > 0, () => 'one that meets the old certificate');
      await scene.told('Disconnected', 6);
      running.server.configure({ Tls: pair(later) });
      isRenewed = true;
      await Promise.all(load);

      old.send('still here\n');
      await old.expect('you said still here\r\n');
      expect(names.slice(-2)).toEqual(['later.example', 'later.example']);
      expect(new Set(names)).toEqual(new Set(['one.example', 'later.example']));
      // Who offers a session of the certificate before shakes hands anew.
      for (const [index, maxVersion] of versions.entries()) {
        expect(await greeting({ maxVersion, session: sessions[index], servername: '', checkServerIdentity: () => undefined })).toMatchObject({ how: 'new', name: 'later.example' });
      }
      // What configure() does not name stays: a certificate is asked for.
      await expect(greeting({ ...pair(stranger), servername: '', checkServerIdentity: () => undefined })).rejects.toThrow();
      expect([running.ready, running.born.length]).toEqual([pids, 2]);
      expect(JSON.stringify([running.server.status(), running.events])).not.toContain('PRIVATE KEY');
      old.close();
    });
  });

  it('lets those who offer a session from before an upgrade shake hands anew with the new master, which resumes its own', async () => {
    await withMaster({
      detached: true, options: { ...ONE, ReloadSettleTime: 0, HandleSignals: { upgrade: 'SIGUSR2' }, Tls: { ...pair(one), ca, requestCert: true } },
    }, async (master) => {
      const port = await master.up();
      /** @returns whether the session was resumed, and the one for the next time */
      const visit = async (options: ConnectionOptions): Promise<{ isReused: boolean; session: Buffer }> => {
        const { client: visitor, socket, session } = await secure({ running: { port } }, { ...pair(client), ...options });
        await visitor.expectMatch(/^W\d+\r\n/);
        const isReused = socket.isSessionReused();
        await poll(() => isReused || session() !== undefined, () => 'a ticket');
        visitor.send('quit\n');
        await visitor.expect('bye\r\n');
        visitor.close();
        return { isReused, session: session() ?? Buffer.alloc(0) };
      };
      const versions = ['TLSv1.2', 'TLSv1.3'] as const;
      const before = [];
      for (const maxVersion of versions) before.push(await visit({ maxVersion }));

      master.signal('SIGUSR2');
      const { pid } = await master.event('upgrade:done');

      for (const [index, maxVersion] of versions.entries()) {
        const { isReused, session } = await visit({ maxVersion, session: before[index]?.session });
        expect([maxVersion, isReused, (await visit({ maxVersion, session })).isReused]).toEqual([maxVersion, false, true]);
      }
      expect(master.all('worker:error')).toEqual([]);
      sendSignal(pid, 'SIGTERM');
      await master.over();
    });
  });

  it('ends who is slow with its handshake after ClientPreConnectTimeout', async () => {
    await withHandlers({ ...HANDLERS, ClientPreConnectTimeout: 0.3, Tls: pair(one) }, async (scene) => {
      const slow = await scene.connect();

      slow.send(Buffer.from('1603', 'hex'));

      await slow.expectOver();
      expect(await scene.told('Error')).toBe('read ERR_TLS_HANDSHAKE_TIMEOUT The TLS handshake was not done within 0.3 s.');
    });
  });

  it('lets no stranger and no garbage harm anybody, and waits in a drain for a handshake that has begun', async () => {
    await withHandlers({ ...HANDLERS, Tls: pair(one) }, async (scene) => {
      const [plain, gone] = [await scene.connect(), await scene.connect()];
      plain.send('GET / HTTP/1.0\r\n\r\n');
      gone.halfClose();
      await plain.expectOver();
      await gone.expectOver();
      await scene.told('Error', 2);
      expect(scene.all.map(({ detail }) => detail).toSorted()).toEqual([
        'read ECONNRESET connection reset by peer', expect.stringMatching(/^read ERR_SSL_\w+ TLS handshake: /),
      ]);

      // Garbage after the handshake ends the session at once, though the client stays.
      const raw = await scene.connect();
      const { client: broken } = await secure(scene, { socket: raw.socket });
      await broken.readLine();
      raw.socket.write('garbage, garbage, garbage');
      expect(await scene.told('Error', 3)).toMatch(/^read ERR_SSL_/);
      await scene.told('Disconnected');
      await scene.running.until(({ totals }) => totals.connections === 0);

      const late = await scene.connect();
      await scene.running.until(({ totals }) => totals.connections === 1);
      const ended = scene.end();
      await scene.running.event('worker:drain');
      const { client: served } = await secure(scene, { socket: late.socket });
      await served.readLine();
      served.send('quit\n');
      await served.expect('you said quit\r\n');
      served.close();
      expect(await ended).toEqual(['Error', 'Error', 'Error', 'Disconnected', 'Disconnected']);
      expect(scene.running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('gives an Acceptor a TLS socket, with the address of its client, that a library may take over', async () => {
    await withHandlers({
      ClientError: HANDLERS.ClientError,
      Tls: { ...pair(one), ALPNProtocols: ['http/1.1'] },
      Acceptor({ socket, remoteAddress }: AcceptorContext) {
        process.getBuiltinModule('node:http').createServer((request, response) => {
          const { alpnProtocol, encrypted } = request.socket as unknown as Secure;
          response.end(`${String(request.url)} for ${String(remoteAddress)} by ${String(alpnProtocol)}, ${String(encrypted)}`);
        }).emit('connection', socket);
      },
    }, async (scene) => {
      const { port } = scene.running;
      const get = (host: string): Promise<Outcome> => runTool('curl', ['--silent', '--show-error', '--max-time', '8', '--cacert', caFile, '--resolve', `${host}:${port}:127.0.0.1`, `https://${host}:${port}/path`]);

      const good = await get('one.example');
      const wrongHost = await get('evil.example');

      expect(good).toMatchObject({ code: 0, stdout: '/path for 127.0.0.1 by http/1.1, true' });
      // 60: the certificate is not that of the host.
      expect(wrongHost).toMatchObject({ code: 60, stdout: '' });
      const plain = await scene.connect();
      plain.send('GET / HTTP/1.0\r\n\r\n');
      await plain.expectOver();
      expect(await scene.told('Error', scene.names.length === 0 ? 1 : scene.names.length)).toMatch(/^read ERR_SSL_/);
      await scene.running.until(({ totals }) => totals.connections === 0 && totals.served === 3);
      expect(scene.running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('comes after the PROXY header of a balancer: BlockList and callbacks see its client, and what fails is a fault of that client alone', async () => {
    const header = (address: string): string => `PROXY TCP4 ${address} 198.51.100.2 4711 443\r\n`;
    await withHandlers({
      ...HANDLERS, Tls: pair(one), Proxy: { From: ['127.0.0.1'] }, BlockList: ['192.0.2.66'],
      ClientError: ({ heap, operation, error }: ClientErrorContext<object>) => {
        if (error !== undefined) tell('Error', `${heap.remote_addr} ${operation} ${String((error as NodeJS.ErrnoException).code).slice(0, 8)}`);
      },
    }, async (scene) => {
      const shake = async (address: string): Promise<{ client: TcpClient; raw: TcpClient }> => {
        const raw = await scene.connect();
        raw.send(header(address));
        raw.socket.removeAllListeners('data');
        return { raw, client: (await secure(scene, { socket: raw.socket })).client };
      };

      const { client: good, raw } = await shake('192.0.2.1');
      expect(await good.readLine()).toMatch(/ new 192\.0\.2\.1$/);
      good.send('hello\n');
      await good.expect('you said hello\r\n');
      await expect(shake('192.0.2.66')).rejects.toThrow();
      expect(scene.names).toEqual([]);
      const [plain, bare] = [await scene.connect(), await scene.connect()];
      plain.send(`${header('192.0.2.2')}GET / HTTP/1.0\r\n\r\n`);
      await plain.expectOver();
      expect(await scene.told('Error')).toBe('192.0.2.2:4711 read ERR_SSL_');
      // A handshake without a header is no client's, so no ClientError: it names the balancer's fault.
      bare.send(Buffer.from('160301', 'hex'));
      bare.halfClose();
      await bare.expectOver();
      expect(await scene.fault('Proxy')).toMatchObject({ code: 'ERR_PREFORK_PROXY' });
      const leaving = await scene.connect();
      await leaving.sendAll(`${header('192.0.2.3')}\x16\x03\x01`);
      leaving.halfClose();
      expect(await scene.told('Error', 2)).toBe('192.0.2.3:4711 read ECONNRES');
      raw.close();
      await scene.running.until(({ totals }) => totals.connections === 0);

      expect([scene.running.ready.length, scene.running.born.length]).toEqual([1, 1]);
      expect(scene.running.eventsOf('worker:error')).toHaveLength(1);
    });
  });
});
