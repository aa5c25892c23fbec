import { EventEmitter, once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import type { PreforkError } from '../../src/errors.js';
import { resolveChange, resolveOptions } from '../../src/options/resolve.js';
import { renewTls, resolveTls } from '../../src/options/tls.js';
import { fromText, mergeTls, toText } from '../../src/options/tls-text.js';
import type { TlsOptions } from '../../src/options/tls-options.js';
import { Authority } from '../support/certificates.js';
import { requireTool } from '../support/tools.js';

const ClientInput = (): void => undefined;

describe.runIf(requireTool('openssl'))('Tls', () => {
  const authority = new Authority();
  const { cert, key } = authority.issue('one.example');
  const other = authority.issue('other.example');
  const rsa = authority.selfSigned('rsa', ['-newkey', 'rsa:2048', '-nodes']);
  const locked = authority.encrypt(other, 'open sesame');
  afterAll(() => { authority.remove(); });

  /** What the options are refused with. */
  function refusal(Tls: unknown): string {
    try {
      resolveOptions({ ClientInput, Tls }, 'worker');
      return '';
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_PREFORK_OPTION' });
      return (error as PreforkError).message;
    }
  }

  it.each<[string, () => TlsOptions]>([
    ['texts', () => ({ cert, key })],
    ['Buffers and arrays', () => ({ cert: [Buffer.from(cert)], key: [Buffer.from(key)], ca: [cert, Buffer.from(other.cert)] })],
    ['a key with its passphrase', () => ({ cert: other.cert, key: locked.key, passphrase: 'open sesame' })],
    ['keys with passphrases of their own', () => ({ cert: [other.cert], key: [{ pem: locked.key, passphrase: 'open sesame' }] })],
    ['a PKCS#12 file', () => ({ pfx: authority.bundle(other, 'x'), passphrase: 'x' })],
    ['a function that finds the certificate', () => ({ SNICallback: () => undefined })],
    ['certificates for several names', () => ({ cert, key, contexts: { 'other.example': { cert: other.cert, key: other.key } } })],
    ['a time for the handshake, versions and protocols', () => ({ cert, key, handshakeTimeout: 500, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'], requestCert: true, rejectUnauthorized: false })],
  ])('takes %s', (_title, given) => {
    expect(refusal(given())).toBe('');
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no object', () => cert, /Tls takes an object such as \{ key, cert \}/],
    ['no certificate', () => ({}), /Tls\.cert and key are missing: without them no handshake can succeed/],
    ['a certificate without its key', () => ({ cert }), /Tls\.key is missing/],
    ['a key without its certificate', () => ({ key }), /Tls\.cert is missing/],
    ['the key of another certificate', () => ({ cert, key: other.key }), /Tls cannot be used: key is not the key of cert: .* \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)/],
    ['a key of another kind, which OpenSSL takes', () => ({ cert, key: rsa.key }), /Tls\.key is not the key of cert/],
    ['certificate and key the wrong way round', () => ({ cert: key, key: cert }), /key and cert may have been swapped \(ERR_OSSL_PEM_NO_START_LINE\)/],
    ['a wrong passphrase', () => ({ cert: other.cert, key: locked.key, passphrase: 'guess' }), /the passphrase of the key is missing or wrong/],
    ['paths', () => ({ cert: '/etc/cert.pem', key: '/etc/key.pem', ca: ['/etc/ca.pem'] }), /Tls\.cert takes what is in a PEM file .* Tls\.key takes .* Tls\.ca takes /],
    ['a misspelt option, which would let everyone in', () => ({ cert, key, requestCerts: true }), /Tls\.requestCerts is not an option; did you mean requestCert\?/],
    ['a flag that tls.Server would take as off', () => ({ cert, key, requestCert: 1 }), /Tls\.requestCert must be true or false, not 1/],
    ['a refusal of what is not asked for', () => ({ cert, key, rejectUnauthorized: true }), /Tls\.rejectUnauthorized does nothing without requestCert: true/],
    ['options of sockets', () => ({ cert, key, noDelay: true }), /Tls\.noDelay is of the server's sockets: use the option NoDelay of the server/],
    ['two ways to choose the protocol', () => ({ cert, key, ALPNProtocols: ['a'], ALPNCallback: () => 'a' }), /Tls cannot be used: .*ALPN.*\(ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS\)/],
    ['ciphers that there are not', () => ({ cert, key, ciphers: 'NONSENSE' }), /Tls cannot be used: no cipher match \(ERR_SSL_NO_CIPHER_MATCH\)/],
    ['an engine that there is not', () => ({ cert, key, clientCertEngine: 'nonsense' }), /Tls cannot be used: OpenSSL cannot load the engine nonsense \(/],
    ['rules of its own for one name', () => ({ cert, key, contexts: { 'other.example': { ...pair(), ca: cert } } }), /Tls\.contexts\['other\.example'\]\.ca is not an option/],
    ['one name without its key', () => ({ cert, key, contexts: { 'other.example': { cert } } }), /Tls\.contexts\['other\.example'\]\.key is missing/],
    ['ticket keys of a wrong length', () => ({ cert, key, ticketKeys: Buffer.alloc(16) }), /Tls\.ticketKeys takes 48 random bytes/],
  ])('refuses %s', (_title, given, expected) => {
    expect(refusal(given())).toMatch(expected);
  });

  const pair = (): object => ({ cert: other.cert, key: other.key });

  it('shows nothing of what may be a key, whatever is wrong with it', () => {
    const secret = 'MIIEvSECRET';
    const said = [secret, { key: secret, cert: secret, passphrase: [secret], ticketKeys: secret, pfx: [[secret]] }, { cert, key: `-----BEGIN PRIVATE KEY-----\n${secret}\n` }].map(refusal);

    expect(said.every((message) => message !== '')).toBe(true);
    expect(said.filter((message) => message.includes('SECRET'))).toEqual([]);
  });

  describe('changed by configure()', () => {
    const start = resolveOptions({ ClientInput, Tls: { cert, key, ca: authority.root.cert, requestCert: true } }, 'master');
    const textOf = (change: TlsOptions | undefined, before = start): string | undefined => resolveChange(before, { Tls: change }).worker.client?.tls;

    it('travels as text, and a worker puts it in the place of what it names', () => {
      const own = start.client.tls;
      const text = textOf({ cert: Buffer.from(other.cert), key: other.key });

      const renewed = renewTls(own, text ?? '');

      expect(renewed.given).toEqual({ cert: Buffer.from(other.cert), key: other.key, ca: authority.root.cert, requestCert: true });
      expect(renewed.server).not.toBe(own?.server);
    });

    it('adds to what was changed before; undefined goes back to the script', () => {
      const first = resolveChange(start, { Tls: pair() });
      const second = resolveChange(first, { Tls: { ca: other.cert }, MaxOutput: 5 });

      expect(fromText(second.worker.client?.tls ?? '')).toEqual({ ...pair(), ca: other.cert });
      expect(resolveChange(second, { MaxOutput: 7 }).worker.client?.tls).toBe(second.worker.client?.tls);
      expect(resolveChange(second, { Tls: undefined }).worker.client).toEqual({ maxOutput: 5 });
    });

    it('changes nothing if it cannot be sent, or is wrong', () => {
      expect(() => textOf({ SNICallback: () => undefined })).toThrow(/configure\(\) changed nothing: Tls\.SNICallback is a function, which cannot be sent to workers/);
      expect(() => textOf({ cert: other.cert, key })).toThrow(/changed nothing: Tls cannot be used: key is not the key of cert/);
      expect(() => textOf({ requestCerts: true } as TlsOptions)).toThrow(/did you mean requestCert/);
      expect(() => textOf(pair(), resolveOptions({ ClientInput }, 'master'))).toThrow(/Tls was not among the options of the constructor/);
    });

    it('is checked as far as it can be where the workers run a script of their own', () => {
      const elsewhere = resolveOptions({ Script: '/srv/worker.mjs' }, 'master');

      expect(fromText(textOf({ ca: other.cert }, elsewhere) ?? '')).toEqual({ ca: other.cert });
      expect(() => textOf({ cert: 'path.pem' }, elsewhere)).toThrow(/Tls\.cert takes what is in a PEM file/);
      expect(() => renewTls(undefined, '{}')).toThrow(/This worker keeps its certificates.*Tls was not among the options/);
      expect(() => renewTls(start.client.tls, toText({ cert: other.cert }, []))).toThrow(/This worker keeps its certificates.*key is missing/);
    });

    it('replaces a certificate in whatever form it was given', () => {
      const own: TlsOptions = { pfx: Buffer.from('bundle'), passphrase: 'x', ca: 'authority' };

      expect(mergeTls(own, { cert, key })).toEqual({ ca: 'authority', cert, key });
      expect(mergeTls(own, { ca: 'another', crl: undefined })).toEqual({ ...own, ca: 'another' });
    });
  });

  it.each<[string, TlsOptions, RegExp, ConnectionOptions?]>([
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- as anybody writes it who has to look the certificate up
    ['SNICallback that fails ends', { SNICallback: () => Promise.reject(new Error('oh')) }, /^oh$/],
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what TypeScript refuses, JavaScript does
    ['ALPNCallback is refused, and ends', { ALPNCallback: (): any => Promise.reject(new Error('oh')) }, /Tls\.ALPNCallback returned a promise, which is not waited for/],
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the same
    ['pskCallback is refused, and ends', { ciphers: 'PSK', pskCallback: (): any => Promise.reject(new Error('oh')) }, /Tls\.pskCallback returned a promise, which is not waited for/,
      { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => ({ psk: Buffer.from('key'), identity: 'one' }) }],
  ])('an async %s this handshake alone', async (_title, callbacks, message, more = {}) => {
    const { server } = resolveTls({ cert, key, ...callbacks }, []) ?? {};
    const [one, two] = [new PassThrough(), new PassThrough()];
    const failed = once(server ?? new EventEmitter(), 'tlsClientError') as Promise<[Error]>;
    server?.emit('connection', Duplex.from({ readable: one, writable: two }));
    const client = connect({ socket: Duplex.from({ readable: two, writable: one }), servername: 'one.example', ALPNProtocols: ['lines'], ...more });
    client.on('error', () => { client.destroy(); });

    expect((await failed)[0].message).toMatch(message);
    client.destroy();
  });

  it('lets sessions be resumed where the rules are the same, and nowhere else', () => {
    const contextOf = (more: TlsOptions): unknown => (resolveTls({ cert, key, requestCert: true, ...more }, [])?.server as unknown as { sessionIdContext: string }).sessionIdContext;

    expect(contextOf({})).toMatch(/^[0-9a-f]{32}$/);
    expect(contextOf({ ticketKeys: Buffer.alloc(48) })).toBe(contextOf({}));
    expect(contextOf({ ca: cert })).not.toBe(contextOf({}));
    expect(contextOf({ sessionIdContext: 'mine' })).toBe('mine');
  });
});
