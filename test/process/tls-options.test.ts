import { constants } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import type { ClientErrorContext, Context, InputContext, TlsOptions } from 'prefork-tcp-server';
import { withHandlers } from '../programs/inline.js';
import type { Scene } from '../programs/inline.js';
import { Authority } from '../support/certificates.js';
import { runTool } from '../support/run-tool.js';
import { requireTool } from '../support/tools.js';

/** Greets a client whose handshake is done, and says why one was not. */
const HANDLERS = {
  // Reports may come as often as a test wants to know that a worker has heard of a change.
  ServerHeartBeatTime: 0.02,
  ClientConnected({ heap }: Context<object>) {
    const socket = heap.client.socket as unknown as Pick<TLSSocket, 'alpnProtocol' | 'authorized' | 'getCipher' | 'getProtocol'>;
    heap.client.put(`welcome, ${String(socket.getProtocol())} ${socket.getCipher().standardName} ${String(socket.alpnProtocol)} ${String(socket.authorized)}.`);
  },
  ClientInput({ kernel }: InputContext<object, string>) { kernel.yield('shutdown'); },
  ClientError: ({ error }: ClientErrorContext<object>) => {
    if (error !== undefined) tell('Error', (error as NodeJS.ErrnoException).code ?? (error as Error).message);
  },
};

describe.runIf(requireTool('openssl'))('Tls passes on what tls.createServer takes', () => {
  const authority = new Authority();
  const one = authority.issue('one.example');
  const [client, revoked] = [authority.issue('client.example'), authority.issue('revoked.example')];
  const rsa = authority.selfSigned('rsa', ['-newkey', 'rsa:2048', '-nodes']);
  const ca = authority.root.cert;
  const crl = authority.revoke(revoked);
  const pfx = authority.bundle(one, 'open sesame');
  afterAll(() => { authority.remove(); });

  const pair = { cert: one.cert, key: one.key };
  const as = ({ certFile, keyFile }: typeof client): string[] => ['-cert', certFile, '-key', keyFile];
  const TWO = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';

  /** Both streams of an s_client: the server closes the connection of one that it has welcomed. */
  async function talk({ running }: Scene, args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await runTool('openssl', ['s_client', '-ign_eof', '-CAfile', authority.root.certFile, '-connect', `127.0.0.1:${running.port}`, ...args], 'quit\n');
    return stdout + stderr;
  }

  it('of what can be sent to workers that run', async () => {
    // What the server is given, what a client asks for, and what has to come of it; a code is that of ClientError.
    const cases: readonly (readonly [title: string, given: TlsOptions, client: readonly string[], expected: RegExp])[] = [
      ['crl, a good certificate', { requestCert: true, ca, crl }, as(client), /welcome, .* true\./],
      ['crl, a revoked one', { requestCert: true, ca, crl }, as(revoked), /CERT_REVOKED/],
      ['rejectUnauthorized', { requestCert: true, rejectUnauthorized: false, ca, crl }, as(revoked), /welcome, .* false\./],
      ['pfx and passphrase', { pfx, passphrase: 'open sesame' }, ['-verify_return_error', '-verify_hostname', 'one.example'], /welcome, TLSv1\.3/],
      ['minVersion', { minVersion: 'TLSv1.3' }, ['-tls1_2'], /ERR_SSL_UNSUPPORTED_PROTOCOL/],
      ['maxVersion', { maxVersion: 'TLSv1.2' }, [], /welcome, TLSv1\.2 /],
      ['secureProtocol', { secureProtocol: 'TLSv1_2_method' }, [], /welcome, TLSv1\.2 /],
      ['secureOptions', { secureOptions: constants.SSL_OP_NO_TLSv1_3 }, [], /welcome, TLSv1\.2 /],
      ['ciphers, one that both have', { ciphers: TWO, maxVersion: 'TLSv1.2' }, ['-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384'], /TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384/],
      ['ciphers, none in common', { ciphers: TWO, maxVersion: 'TLSv1.2' }, ['-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305'], /ERR_SSL_NO_SHARED_CIPHER/],
      ['honorCipherOrder', { ciphers: TWO, honorCipherOrder: true }, ['-tls1_2', '-cipher', TWO.split(':').toReversed().join(':')], /WITH_AES_128_GCM/],
      ['honorCipherOrder, without', { ciphers: TWO, honorCipherOrder: false }, ['-tls1_2', '-cipher', TWO.split(':').toReversed().join(':')], /WITH_AES_256_GCM/],
      ['ecdhCurve', { ecdhCurve: 'P-384' }, [], /Server Temp Key: ECDH, (P-384|secp384r1)[^]*welcome/],
      ['sigalgs', { requestCert: true, ca, sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha512' }, as(client), /Requested Signature Algorithms: ECDSA\+SHA256:RSA-PSS\+SHA512\n[^]*welcome/i],
      ['dhparam', { cert: rsa.cert, key: rsa.key, dhparam: 'auto', ciphers: 'DHE-RSA-AES128-GCM-SHA256' }, ['-tls1_2'], /Server Temp Key: DH, [^]*WITH_AES_128_GCM/],
      ['sessionTimeout', { sessionTimeout: 4711 }, ['-tls1_2'], /lifetime hint: 4711 [^]*welcome/],
      ['ALPNProtocols', { ALPNProtocols: ['lines', 'more'] }, ['-alpn', 'more,others'], /welcome, .* more /],
    ];
    await withHandlers({ ...HANDLERS, Tls: pair }, async (scene) => {
      const { running } = scene;
      await running.settled(1);
      const wrong: string[] = [];
      for (const [title, given, args, expected] of cases) {
        running.server.configure({ Tls: undefined });
        running.server.configure({ Tls: given });
        await running.heartbeats();
        const before = scene.names.length;
        const said = await talk(scene, args);
        const heard = said.includes('welcome') ? '' : String(await scene.told('Error', before + 1));
        if (!expected.test(said + heard)) wrong.push(`${title}: ${said}${heard}`);
      }
      expect(wrong).toEqual([]);
      expect(running.eventsOf('worker:error')).toEqual([]);
    });
  });

  it('of functions, which each worker has from its script: a key that both sides know, the certificate by name, the protocol', async () => {
    await withHandlers({
      ...HANDLERS,
      Tls: {
        ...pair, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:PSK-AES128-GCM-SHA256', pskIdentityHint: 'who are you',
        pskCallback: (_socket: unknown, identity: string) => (identity === 'sensor-1' ? Buffer.from('c0ffee', 'hex') : null),
        ALPNCallback: ({ protocols }: { protocols: string[] }) => protocols.find((name) => name.startsWith('lines/')),
        SNICallback: (name: string, done: (error: Error | null) => void) => { done(name === 'nobody.example' ? new Error('no such name') : null); },
      },
    }, async (scene) => {
      const psk = (identity: string, key: string): string[] => ['-tls1_2', '-cipher', 'PSK-AES128-GCM-SHA256', '-psk_identity', identity, '-psk', key];

      expect(await talk(scene, psk('sensor-1', 'c0ffee'))).toMatch(/PSK identity hint: who are you[^]*welcome, TLSv1\.2 TLS_PSK_WITH_AES_128_GCM_SHA256/);
      expect(await talk(scene, psk('sensor-2', 'c0ffee'))).not.toContain('welcome');
      expect(await talk(scene, psk('sensor-1', 'decaf0'))).not.toContain('welcome');
      expect(await talk(scene, ['-alpn', 'http/1.1,lines/2'])).toMatch(/welcome, .* lines\/2 /);
      expect(await talk(scene, ['-alpn', 'http/1.1'])).not.toContain('welcome');
      expect(await talk(scene, ['-servername', 'one.example'])).toContain('welcome');
      expect(await talk(scene, ['-servername', 'nobody.example'])).not.toContain('welcome');
      await scene.told('Error', 4);
      expect(scene.all.map(({ detail }) => detail)).toEqual([
        'ERR_SSL_PSK_IDENTITY_NOT_FOUND', expect.stringMatching(/^ERR_SSL_/), 'ERR_SSL_NO_APPLICATION_PROTOCOL', 'no such name',
      ]);
      expect(scene.running.eventsOf('worker:error')).toEqual([]);
    });
  });
});
