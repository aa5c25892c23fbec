import { describe, expect, it } from 'vitest';
import { Guard, type Entrance, type Purpose } from '../../src/admin/guard.js';

const LOCAL: Entrance = { kind: 'tcp', isPublic: false };
const PUBLIC: Entrance = { kind: 'tcp', isPublic: true };
const UNIX: Entrance = { kind: 'unix', isPublic: false };
const PROOF = { authorization: 'Bearer s3cret' };

const judge = (purpose: Purpose, headers: Record<string, string>, entrance = LOCAL, token: string | undefined = 's3cret'): number => {
  const verdict = new Guard({ hosts: ['pool.example.com'], token }).judge(purpose, { host: '127.0.0.1:9000', ...headers }, entrance);
  return verdict.allowed ? 200 : verdict.code;
};

describe('Guard', () => {
  it.each(['127.0.0.1:9000', '10.0.0.7', '[::1]:9000', '[::1]', 'localhost:9000', 'LOCALHOST', 'pool.example.com:443'])('takes requests for %s', (host) => {
    expect(judge('open', { host })).toBe(200);
  });

  it.each(['attacker.example', 'attacker.example:9000', 'localhost.attacker.example', '127.0.0.1.attacker.example', '', '[::1].attacker.example'])('refuses requests for %j, for all of its pages', (host) => {
    for (const purpose of ['open', 'read', 'act'] as const) expect(judge(purpose, { host, ...PROOF })).toBe(421);
  });

  it('takes health checks of HTTP/1.0, which name no host', () => {
    expect(new Guard({ hosts: [], token: undefined }).judge('open', {}, LOCAL).allowed).toBe(true);
  });

  it.each(['cross-site', 'same-site', 'whatever'])('refuses what browsers call %s, even with the token and on a Unix socket behind a proxy', (site) => {
    for (const purpose of ['read', 'act'] as const) {
      expect(judge(purpose, { 'sec-fetch-site': site, ...PROOF })).toBe(403);
      expect(judge(purpose, { 'sec-fetch-site': site }, UNIX)).toBe(403);
    }
  });

  it('lets links of other sites open the frame of the page, which holds nothing', () => {
    expect(judge('open', { 'sec-fetch-site': 'cross-site' })).toBe(200);
  });

  it('refuses the Origin of another site or port, from browsers that say no more', () => {
    expect(judge('act', { origin: 'http://attacker.example', ...PROOF })).toBe(403);
    expect(judge('act', { origin: 'null', ...PROOF })).toBe(403);
    expect(judge('act', { origin: 'http://127.0.0.1:9001', ...PROOF })).toBe(403);
    expect(judge('act', { origin: 'http://127.0.0.1:9000', 'sec-fetch-site': 'same-origin', ...PROOF })).toBe(200);
    expect(judge('act', { origin: 'https://127.0.0.1:9000', ...PROOF })).toBe(200);
  });

  it('wants the token for actions over TCP', () => {
    expect(judge('act', {})).toBe(401);
    expect(judge('act', { authorization: 'Bearer wrong' })).toBe(401);
    expect(judge('act', { authorization: 'Basic s3cret' })).toBe(401);
    expect(judge('act', { authorization: 'Bearer ' })).toBe(401);
    expect(judge('act', { authorization: 'Bearer s3cret x' })).toBe(401);
    expect(judge('act', PROOF)).toBe(200);
    expect(judge('act', { authorization: 'bearer s3cret' })).toBe(200);
  });

  it('has no actions over TCP where there is no token', () => {
    const guard = new Guard({ hosts: [], token: undefined });

    expect(guard.judge('act', { host: '127.0.0.1', ...PROOF }, LOCAL)).toMatchObject({ allowed: false, code: 403 });
    expect(guard.judge('read', { host: '127.0.0.1', ...PROOF }, LOCAL)).toEqual({ allowed: true, mayAct: false });
  });

  it('needs no token on a Unix socket', () => {
    expect(new Guard({ hosts: [], token: undefined }).judge('act', { host: 'whatever' }, UNIX)).toEqual({ allowed: true, mayAct: true });
  });

  it('wants the token for reading from other machines, but not for health', () => {
    expect(judge('read', {}, LOCAL)).toBe(200);
    expect(judge('read', {}, PUBLIC)).toBe(401);
    expect(judge('read', PROOF, PUBLIC)).toBe(200);
    expect(judge('open', {}, PUBLIC)).toBe(200);
  });

  it('refuses a wrong token for reading, too, so that the page can say so', () => {
    expect(judge('read', { authorization: 'Bearer wrong' })).toBe(401);
  });
});
