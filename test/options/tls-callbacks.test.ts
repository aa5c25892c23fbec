import type { TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { guarded } from '../../src/options/tls-callbacks.js';

const oh = new Error('oh');
const fail = (): never => { throw oh; };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what TypeScript refuses, JavaScript does
const gives = (result: unknown) => (): any => result;
const offered = { servername: 'one.example', protocols: ['lines', 'more'] };

// Not only by handshakes: what a callback throws ends them alone on new versions of Node, and the process on others.
describe('the callbacks of Tls', () => {
  it.each<[string, () => unknown, Error]>([
    ['throws', fail, oh],
    ['chooses what was not offered', gives('other'), expect.objectContaining({ message: 'Tls.ALPNCallback returned "other"; it must return one of the protocols, or undefined.' }) as Error],
  ])('end a handshake whose ALPNCallback %s', (_title, ALPNCallback, error) => {
    const destroy = vi.fn();

    expect(Reflect.apply(guarded({ ALPNCallback: ALPNCallback as () => string }).ALPNCallback ?? fail, { destroy }, [offered])).toBeUndefined();
    expect(destroy.mock.calls).toEqual([[error]]);
  });

  it.each<[string, () => unknown, Error]>([
    ['throws', fail, oh],
    ['returns a text', gives('hush'), expect.objectContaining({ message: 'Tls.pskCallback returned something else; it must return the bytes of the key, or null.' }) as Error],
    ['returns an object without the key', gives({ psk: 'hush' }), expect.objectContaining({ code: 'ERR_PREFORK_CALLBACK' }) as Error],
  ])('end a handshake whose pskCallback %s', (_title, pskCallback, error) => {
    const destroy = vi.fn();

    expect(guarded({ pskCallback: pskCallback as () => null }).pskCallback?.({ destroy } as unknown as TLSSocket, 'sensor-1')).toBeNull();
    expect(destroy.mock.calls).toEqual([[error]]);
  });

  it('end a handshake whose SNICallback throws', () => {
    const choose = vi.fn();

    guarded({ SNICallback: fail }).SNICallback?.('one.example', choose);
    expect(choose.mock.calls).toEqual([[oh]]);
  });

  it('give what they choose', () => {
    const socket = { destroy: fail } as unknown as TLSSocket;
    const { ALPNCallback = fail } = guarded({ ALPNCallback: gives('more') });
    const key = Buffer.from('key');

    expect(Reflect.apply(ALPNCallback, socket, [offered])).toBe('more');
    for (const result of [key, { psk: key, identity: 'me' }, null]) expect(guarded({ pskCallback: gives(result) }).pskCallback?.(socket, 'me')).toBe(result);
  });
});
