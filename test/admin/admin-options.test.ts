import { describe, expect, it } from 'vitest';
import { adminProblems, isLoopback, resolveAdmin } from '../../src/admin/admin-options.js';

describe('the option Admin', () => {
  it.each([
    [{ Port: 0 }], [{ Path: '/run/x' }], [{ AgentPort: 9001 }], [{ Port: 9000, Address: '0.0.0.0', Token: 'abc' }],
    [{ Port: 9000, Address: '::1', Hosts: ['pool.example.com'] }], [{ AgentPort: 9001, Address: '10.0.0.1' }],
  ])('takes %j', (given) => {
    expect(adminProblems(given)).toEqual([]);
  });

  it.each([
    [{}, /nowhere to listen; give Port, Path or AgentPort/],
    [{ Port: '80a' }, /Admin: Port must be a port number from 0 to 65535, not "80a"/],
    [{ AgentPort: '' }, /Admin: AgentPort must be a port number/],
    [{ Port: '65536' }, /Admin: Port must be a port number/],
    [{ Port: 1, Tokn: 'x' }, /Admin: Tokn is not an option; did you mean Token\?/],
    [{ Port: 1, Token: 'a b' }, /Token must be letters, digits/],
    [{ Port: 1, Token: '' }, /Token must be/],
    [{ Path: '' }, /Path must be the path of a Unix socket/],
    [{ Path: '\0pool' }, /Path must be the path of a Unix socket; an abstract name has no permissions/],
    [{ Port: 1, Address: 'localhost' }, /Address must be an IPv4 or IPv6 address/],
    [{ Port: 1, Hosts: 'x' }, /Hosts must be an array of host names/],
    [{ Port: 1, Address: '0.0.0.0' }, /Address 0\.0\.0\.0 can be reached from other machines, so it needs a Token/],
    [{ Port: 1, Address: '::' }, /needs a Token/],
  ])('refuses %j', (given, expected) => {
    expect(adminProblems(given).join(' ')).toMatch(expected);
  });

  it('knows the addresses that other machines cannot reach', () => {
    expect(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '10.0.0.1', '::', 'fe80::1', '128.0.0.1'].some(isLoopback)).toBe(false);
  });

  it('takes ports as the environment has them', () => {
    expect(adminProblems({ Port: '9000', AgentPort: '9001' })).toEqual([]);
    expect(resolveAdmin({ Port: '9000', AgentPort: '09001' })).toMatchObject({ port: 9000, agentPort: 9001 });
  });

  it('listens on this machine only unless it is asked to', () => {
    expect(resolveAdmin({ Port: 9000, Hosts: ['Pool.Example.com'] })).toEqual({
      port: 9000, address: '127.0.0.1', path: undefined, token: undefined, hosts: ['pool.example.com'], agentPort: undefined,
    });
  });
});
