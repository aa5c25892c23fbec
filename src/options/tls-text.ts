import type { TlsOptions } from './tls-options.js';

/**
 * Writes options of TLS as a text that can be sent to a worker.
 *
 * @param problems - gets what is a function, or anything else that cannot be sent
 */
export function toText(options: TlsOptions, problems: string[]): string {
  const write = (value: unknown, path: string): unknown => {
    if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
    if (Array.isArray(value)) return value.map((item, index) => write(item, `${path}[${index}]`));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, write(inner, path === '' ? name : `${path}.${name}`)]));
    }
    if (typeof value !== 'function') return value;
    problems.push(`Tls.${path} is a function, which cannot be sent to workers: leave it out, and that of their own script stays; or change the script and call reload().`);
    return undefined;
  };
  return JSON.stringify(write(options, ''));
}

/** What `toText` wrote. */
export function fromText(text: string): TlsOptions {
  return JSON.parse(text, (_name, value: unknown) => {
    const bytes = typeof value === 'object' && value !== null ? (value as { [BYTES]?: unknown })[BYTES] : undefined;
    return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : value;
  }) as TlsOptions;
}

const BYTES = 'base64';

/** Changed options replace the old ones, and the rest stays: above all, the rules for verifying clients. */
export function mergeTls(own: TlsOptions, change: TlsOptions): TlsOptions {
  const { key, cert, pfx, passphrase, ...others } = own;
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as TlsOptions;
  // A certificate comes with its key, and in only one form.
  const isReplaced = ['key', 'cert', 'pfx'].some((name) => Object.hasOwn(given, name));
  return { ...others, ...(isReplaced ? {} : { key, cert, pfx, passphrase }), ...given };
}
