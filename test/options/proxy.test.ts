import { describe, expect, it } from 'vitest';
import { proxyProblems, resolveProxy } from '../../src/options/proxy.js';
import { resolveOptions } from '../../src/options/resolve.js';

const ClientInput = (): void => undefined;

/** What a construction with these options is refused with. */
function refusal(options: object, role: 'master' | 'worker' = 'worker'): string {
  try {
    resolveOptions({ ClientInput, Script: '/server.js', ...options }, role);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the option Proxy', () => {
  it.each<[string, object, RegExp]>([
    ['nobody to believe', {}, /Proxy: From is missing/],
    ['an empty list', { From: [] }, /Proxy: From must be an array with the balancers' addresses/],
    ['one address that is no list', { From: '10.0.0.1' }, /Proxy: From must be an array/],
    ['what is no address', { From: ['10.0.0.1', 'balancer'] }, /Proxy: From has "balancer"; it takes addresses, CIDR ranges/],
    ['another version', { From: 'unix', Version: 3 }, /Proxy: Version must be 1 or 2, not 3/],
    ['no time', { From: 'unix', Timeout: 0 }, /Proxy: Timeout must be a number of seconds above 0, not 0/],
    ['an unknown name', { From: 'unix', Timeot: 1 }, /Proxy: Timeot is not an option; did you mean Timeout\?/],
  ])('refuses %s', (_title, given, reason) => {
    expect(proxyProblems({ ...given }, undefined).join(' ')).toMatch(reason);
  });

  it('is refused in the one message of the constructor, with everything else that is wrong', () => {
    expect(refusal({ Proxy: { From: ['x'], Version: 3 }, MaxServer: 0 })).toMatch(/MaxServer must be.*Proxy: Version must be/);
    expect(refusal({ Proxy: { From: [7, null] }, MaxServer: 0 })).toMatch(/MaxServer must be.*Proxy: From must be an array/);
    expect(refusal({ Proxy: true })).toMatch(/Proxy must be an object such as \{ From: \['10.0.0.0\/8'\] \}, not true/);
    expect(refusal({ ProxyProtocol: true })).toMatch(/did you mean Proxy\?/);
  });

  it('has to fit the socket, where the address is sure to be given: in the master', () => {
    expect(refusal({ Address: '/run/x.sock', Proxy: { From: ['10.0.0.1'] } }, 'master')).toMatch(/a Unix socket has none; give 'unix'/);
    expect(refusal({ Port: 1, Proxy: { From: 'unix' } }, 'master')).toMatch(/does not listen on a Unix socket/);
    expect(refusal({ Address: '/run/x.sock', Proxy: { From: 'unix' } }, 'master')).toBe('');
    expect(refusal({ Fd: 3, Proxy: { From: 'unix' } }, 'master')).toBe('');
    expect(refusal({ Proxy: { From: 'unix' } })).toBe('');
  });

  it('takes both versions and waits three seconds unless it says otherwise', () => {
    expect(resolveProxy({ From: 'unix' })).toEqual({ from: 'unix', version: undefined, timeoutMs: 3000 });
    expect(resolveProxy({ From: 'unix', Version: 1, Timeout: 0.5 })).toMatchObject({ version: 1, timeoutMs: 500 });
  });

  it.each([['10.1.2.3', true], ['10.2.0.1', false], ['2001:db8::1', true], ['::ffff:10.1.2.3', true], ['192.0.2.5', true]])('believes those in its list, also IPv4 in IPv6: %s', (address, isIn) => {
    const { from } = resolveProxy({ From: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.1-192.0.2.9'] });

    expect(from === 'unix' || from.check(address, address.includes(':') ? 'ipv6' : 'ipv4')).toBe(isIn);
  });
});
