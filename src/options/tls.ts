import type { Server } from 'node:tls';
import { withInherited } from '../checks.js';
import { PreforkError } from '../errors.js';
import { guarded } from './tls-callbacks.js';
import { TLS_CHECKS, tlsProblems } from './tls-checks.js';
import { fromText, mergeTls, toText } from './tls-text.js';
import type { TlsOptions } from './tls-options.js';

/** How clients speak TLS. */
export interface TlsConfig {
  /** Does the handshakes on the sockets that it is given: it never listens. Verification, SNI, ALPN and tickets are Node's own. */
  readonly server: Server;
  /** How long a handshake may take according to Tls' own option, handshakeTimeout. */
  readonly handshakeMs: number;
  /** What was given. */
  readonly given: TlsOptions;
}

/** As in tls.createServer. */
const DEFAULT_HANDSHAKE_MS = 120_000;

/**
 * Makes the server that does the handshakes, so that problems with certificates and keys are found before the first client comes.
 *
 * @param problems - gets what is wrong, but never any part of a key
 */
export function resolveTls(options: TlsOptions | undefined, problems: string[]): TlsConfig | undefined {
  if (options === undefined) return undefined;
  const given = withInherited(options, TLS_CHECKS) as TlsOptions;
  const found = tlsProblems(given).map((problem) => `Tls.${problem}`);
  try {
    if (found.length === 0) {
      const server = createTlsServer(given);
      if (isForeignKey(given)) found.push(`Tls.key ${MISFIT}.`);
      else return { server, handshakeMs: given.handshakeTimeout ?? DEFAULT_HANDSHAKE_MS, given };
    }
  } catch (error) {
    found.push(`Tls cannot be used: ${reasonOf(error as NodeJS.ErrnoException & { reason?: string }, given)}.`);
  }
  problems.push(...found);
  return undefined;
}

/** The worker's own options of TLS, with the changes made by `configure()`. @throws PreforkError ERR_PREFORK_OPTION if they do not go together */
export function renewTls(own: TlsConfig | undefined, change: string): TlsConfig {
  const problems: string[] = [];
  const renewed = own === undefined ? undefined : resolveTls(mergeTls(own.given, fromText(change)), problems);
  if (renewed !== undefined) return renewed;
  if (own === undefined) problems.push(NO_TLS);
  throw new PreforkError('ERR_PREFORK_OPTION', `This worker keeps its certificates, and configure({ Tls }) has no effect in it: ${problems.join(' ')}`);
}

/**
 * The result of `configure({ Tls })`, as the text that workers are sent.
 *
 * @param own - those of the constructor; undefined if it got none, 'unknown' if the workers run a script of their own
 * @param before - the text in force; undefined = as the workers' own options say
 * @param problems - gets what is wrong
 */
export function changeTls(own: TlsConfig | 'unknown' | undefined, before: string | undefined, change: TlsOptions, problems: string[]): string | undefined {
  if (own === undefined) problems.push(NO_TLS);
  if (own === undefined) return undefined;
  const merged = mergeTls(before === undefined ? {} : fromText(before), withInherited(change, TLS_CHECKS));
  const text = toText(merged, problems);
  // The options in the workers' own script are not known here; the workers report it if the two do not go together.
  if (own === 'unknown') problems.push(...tlsProblems(merged, true).map((problem) => `Tls.${problem}`));
  else resolveTls(mergeTls(own.given, merged), problems);
  return text;
}

const NO_TLS = 'Tls was not among the options of the constructor, and clients that speak in the clear cannot begin to speak TLS.';

const MISFIT = 'is not the key of cert: give the private key that the certificate was made for';

function createTlsServer({ contexts = {}, ...given }: TlsOptions): Server {
  const server = process.getBuiltinModule('node:tls').createServer({ ...given, ...guarded(given), sessionIdContext: given.sessionIdContext ?? fingerprint({ contexts, ...given }) });
  // Node verifies a client by the rules of the context that the requested name selects, and against the public authorities if
  // it has none.
  const rules = { ...given, key: undefined, cert: undefined, pfx: undefined, passphrase: undefined };
  for (const [name, context] of Object.entries(contexts)) server.addContext(name, { ...rules, ...context });
  return server;
}

/**
 * A session is resumed only where the rules are those by which its client was verified: workers with the same Tls have the
 * same fingerprint, whatever their release.
 */
function fingerprint(given: TlsOptions): string {
  const rules = toText({ ...given, key: undefined, passphrase: undefined, ticketKeys: undefined }, []);
  // OpenSSL takes at most 32 bytes.
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(rules).digest('hex').slice(0, 32);
}

/** Whether there are one key and one certificate that do not belong together: OpenSSL does not notice if the keys are of different kinds. */
function isForeignKey({ key, cert, passphrase }: TlsOptions): boolean {
  if (cert === undefined || key === undefined || Array.isArray(cert) || Array.isArray(key)) return false;
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule('node:crypto');
  try {
    return !new X509Certificate(cert).checkPrivateKey(createPrivateKey({ key, passphrase }));
  } catch {
    // The server has accepted both; a form that cannot be compared here is not necessarily wrong.
    return false;
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: `key ${MISFIT}`,
  ERR_OSSL_BAD_DECRYPT: 'the passphrase of the key is missing or wrong',
  ERR_OSSL_PEM_NO_START_LINE: 'a PEM text is not what its name says: key and cert may have been swapped',
};

function reasonOf(
  { code, reason, message }: { readonly code?: string | undefined; readonly reason?: string; readonly message: string },
  { clientCertEngine, privateKeyEngine }: TlsOptions,
): string {
  if (code !== undefined) return `${HINTS[code] ?? reason ?? message} (${code})`;
  const engine = clientCertEngine ?? privateKeyEngine;
  return engine !== undefined && message.includes('shared library') ? `OpenSSL cannot load the engine ${engine} (${message})` : reason ?? message;
}
