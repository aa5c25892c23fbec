import { callback, checkEach, count, expect, isNumber, isObject, isReadable, oneOf, text, texts, type Check } from '../checks.js';
import type { CertificateOptions, TlsOptions } from './tls-options.js';

// No message here shows a given value that could be a key: those that begin with 'must' are followed by the value.

const BEGIN = '-----BEGIN ';
const hasPem = (value: unknown): boolean => (
  typeof value === 'string' ? value.includes(BEGIN) : value instanceof Uint8Array && Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(BEGIN)
);
const eachOf = (value: unknown, holds: (item: unknown) => boolean): boolean => (Array.isArray(value) ? value.length > 0 && value.every(holds) : holds(value));
const check = (holds: (value: unknown) => boolean, expected: string): Check => (value) => (holds(value) ? undefined : `takes ${expected}`);

const PEM = "what is in a PEM file (-----BEGIN ...), as readFileSync('file.pem') returns it and not its path, or an array of that";
const pem: Check = check((value) => eachOf(value, hasPem), PEM);
const keys: Check = check((value) => eachOf(value, (item) => hasPem(item) || (isObject(item) && hasPem(item['pem']))), PEM);
const isPfx = (value: unknown): boolean => value instanceof Uint8Array || typeof value === 'string';
const pfx: Check = check((value) => eachOf(value, (item) => isPfx(item) || (isObject(item) && isPfx(item['buf']))), 'what is in a PKCS#12 file, as readFileSync returns it, or an array of that');
const dhparam: Check = check((value) => value === 'auto' || hasPem(value), "'auto', or what is in a PEM file of parameters");
const passphrase: Check = check((value) => typeof value === 'string', 'a text');
const ticketKeys: Check = check((value) => value instanceof Uint8Array && value.byteLength === 48, '48 random bytes, as randomBytes(48) returns them');
// Strictly a boolean: tls.Server treats a requestCert of 1 as false.
const yesOrNo: Check = expect((value) => typeof value === 'boolean', 'true or false');
const version: Check = oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3');
const protocols: Check = check((value) => texts(value) === undefined || value instanceof Uint8Array, "an array of names such as ['h2', 'http/1.1']");
const milliseconds: Check = expect((value) => isNumber(value) && value > 0 && value < Infinity, 'a number of milliseconds above 0, as in tls.createServer');
const contexts: Check = check((value) => isObject(value) && Object.values(value).every(isObject), "an object such as { 'www.example.org': { key, cert } }");
const compressions: Check = () => undefined;
const ofTheServer = (option: string): Check => () => `is of the server's sockets: use the option ${option} of the server`;
const unused = (why: string): Check => () => `is not used here; leave it out: ${why}`;

const CERTIFICATE_CHECKS: Readonly<Record<keyof CertificateOptions, Check>> = { key: keys, cert: pem, pfx, passphrase };

/** What tls.createServer takes, in every version of Node that this runs on. */
export const TLS_CHECKS: Readonly<Record<string, Check>> = {
  ...CERTIFICATE_CHECKS,
  ca: pem,
  crl: pem,
  requestCert: yesOrNo,
  rejectUnauthorized: yesOrNo,
  ALPNProtocols: protocols,
  ALPNCallback: callback,
  SNICallback: callback,
  contexts,
  minVersion: version,
  maxVersion: version,
  secureProtocol: text,
  secureOptions: count(0),
  ciphers: text,
  sigalgs: text,
  ecdhCurve: text,
  dhparam,
  honorCipherOrder: yesOrNo,
  handshakeTimeout: milliseconds,
  sessionTimeout: count(1),
  sessionIdContext: text,
  ticketKeys,
  pskCallback: callback,
  pskIdentityHint: text,
  clientCertEngine: text,
  privateKeyEngine: text,
  privateKeyIdentifier: text,
  certificateCompression: compressions,
  enableTrace: yesOrNo,
  noDelay: ofTheServer('NoDelay'),
  keepAlive: ofTheServer('KeepAlive'),
  keepAliveInitialDelay: ofTheServer('KeepAlive'),
  backlog: ofTheServer('Backlog'),
  allowHalfOpen: unused('what a client has sent before its end is answered'),
  pauseOnConnect: unused('nothing is read before somebody listens'),
  highWaterMark: ofTheServer('HighMark'),
  secureContext: unused('tls.createServer makes its own from key and cert'),
};

/** What kind of value Tls may be. */
export const tlsOption: Check = check(isReadable, 'an object such as { key, cert }, as tls.createServer does');

/**
 * Finds what is wrong with Tls, as far as can be seen without trying it.
 *
 * @param isPart - whether there may be further options that are not seen here
 */
export function tlsProblems(given: TlsOptions, isPart = false): string[] {
  const problems = checkEach({ ...given }, TLS_CHECKS);
  for (const [name, context] of Object.entries(isObject(given.contexts) ? given.contexts : {})) {
    if (isObject(context)) problems.push(...[...checkEach({ ...context }, CERTIFICATE_CHECKS), ...pairProblems(context)].map((problem) => `contexts['${name}'].${problem}`));
  }
  return isPart || problems.length > 0 ? problems : [...pairProblems(given), ...verificationProblems(given)];
}

function pairProblems({ key, cert, pfx: both, ...others }: TlsOptions): string[] {
  const { SNICallback, pskCallback, privateKeyIdentifier } = others;
  if (cert !== undefined) return key !== undefined || privateKeyIdentifier !== undefined ? [] : ['key is missing: cert needs the private key that it was made for.'];
  if (key !== undefined) return ['cert is missing: key needs its certificate.'];
  return both !== undefined || SNICallback !== undefined || pskCallback !== undefined ? [] : ['cert and key are missing: without them no handshake can succeed. Give both, or pfx.'];
}

function verificationProblems({ requestCert, rejectUnauthorized }: TlsOptions): string[] {
  return rejectUnauthorized === true && requestCert !== true
    ? ['rejectUnauthorized does nothing without requestCert: true, so every client would be let in. Give both, or leave it out.'] : [];
}
