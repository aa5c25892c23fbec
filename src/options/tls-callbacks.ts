import type { TLSSocket } from 'node:tls';
import { isThenable, showRefused } from '../checks.js';
import { PreforkError, asError } from '../errors.js';
import type { TlsOptions } from './tls-options.js';

type Callbacks = Pick<TlsOptions, 'SNICallback' | 'ALPNCallback' | 'pskCallback'>;

/**
 * Wraps the user's callbacks, so that a failing one ends only its own handshake. Otherwise a rejected promise would end the
 * worker with all its clients; before Node 20.20, 22.22 and 24.13 so would an exception, or Node's error for a wrong result.
 */
export function guarded({ SNICallback, ALPNCallback, pskCallback }: Callbacks): Callbacks {
  return {
    ...SNICallback !== undefined && { SNICallback: (name, choose) => {
      const find: (...given: Parameters<NonNullable<Callbacks['SNICallback']>>) => unknown = SNICallback;
      try {
        const result = find(name, choose);
        if (isThenable(result)) Promise.resolve(result).catch((error: unknown) => { choose(asError(error)); });
      } catch (error) {
        choose(asError(error));
      }
    } },
    // Node calls it as a method of the socket.
    ...ALPNCallback !== undefined && { ALPNCallback(this: TLSSocket, offered) {
      return orEnd(this, () => {
        const chosen: unknown = ALPNCallback(offered);
        if (chosen === undefined || offered.protocols.includes(chosen as string)) return chosen as string | undefined;
        throw misfit('ALPNCallback', showRefused(chosen), 'one of the protocols, or undefined');
      });
    } },
    ...pskCallback !== undefined && { pskCallback: (socket, identity) => orEnd(socket, () => {
      const key = pskCallback(socket, identity);
      if (isKey(key)) return key;
      // Does not show what it returned: that may be the key.
      throw misfit('pskCallback', isThenable(key) ? showRefused(key) : 'something else', 'the bytes of the key, or null');
    }) ?? null },
  };
}

function orEnd<T>(socket: TLSSocket, choose: () => T): T | undefined {
  try {
    return choose();
  } catch (error) {
    socket.destroy(asError(error));
    return undefined;
  }
}

function isKey(given: unknown): boolean {
  if (given === undefined || given === null || ArrayBuffer.isView(given)) return true;
  return typeof given === 'object' && ArrayBuffer.isView((given as { readonly psk?: unknown }).psk);
}

const misfit = (callback: string, given: string, expected: string): PreforkError => (
  new PreforkError('ERR_PREFORK_CALLBACK', `Tls.${callback} returned ${given}; it must return ${expected}.`)
);
