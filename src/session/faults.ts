import { builtIn } from '../built-ins.js';

/** What ClientError gets about a fault, besides the operation. */
export interface Fault {
  readonly errno: number;
  readonly errstr: string;
  readonly error: Error | undefined;
}

/** The system's texts for its error numbers. Kept, since Node makes a new map at every call. */
let words: ReadonlyMap<number, readonly [name: string, text: string]> | undefined;

/** Number, words and error for a system error, as ClientError gets them. */
export function systemErrorText(code: string | undefined, error?: Error): Fault & { readonly error: Error } {
  const errno = (builtIn('node:os').constants.errno as Readonly<Record<string, number>>)[code ?? ''] ?? 0;
  words ??= builtIn('node:util').getSystemErrorMap();
  const errstr = words.get(-errno)?.[1] ?? (error === undefined ? undefined : messageOf(error)) ?? code ?? '';
  return { errno, errstr, error: error ?? Object.assign(new Error(`${code ?? ''}: ${errstr}`), { code, errno: -errno }) };
}

/** Why a client did not become one: its TLS handshake failed. OpenSSL's own message begins with an address and a location in its source. */
export function handshakeFault(error: NodeJS.ErrnoException & { readonly reason?: string }): Fault {
  const { errno, errstr } = systemErrorText(error.code, error);
  return { errno, errstr: typeof error.reason === 'string' ? `TLS handshake: ${error.reason}` : errstr, error };
}

/** A fault that is not the system's: in a filter or a callback. */
export const errorFault = (error: Error): Fault => ({ errno: 0, errstr: messageOf(error), error });

/** The message of an error, which may be a getter of the user's. */
function messageOf(error: { readonly message: unknown }): string {
  try {
    return String(error.message);
  } catch {
    return 'an error without a message';
  }
}
