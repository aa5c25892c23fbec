import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { HttpdResponse } from '../../../src/filters/httpd/records.js';
import { HttpdFault } from '../../../src/filters/httpd/fault.js';
import { responseBytes } from '../../../src/filters/httpd/response.js';

const sent = (response: HttpdResponse): string => responseBytes(response).toString('latin1');

describe('responseBytes', () => {
  it('sends HTTP/1.1, the usual reason, the fields and a Content-Length in bytes', () => {
    expect(sent({ status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'é' }))
      .toBe('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n\xc3\xa9');
  });

  it('sends a body of any bytes', () => {
    expect(sent({ status: 200, body: new Uint8Array([0, 255]) })).toMatch(/\r\nContent-Length: 2\r\n\r\n\0\xff$/);
  });

  it('says that there is no content, so that the client need not wait for the end', () => {
    expect(sent({ status: 302, headers: { Location: '/' } })).toBe('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n');
  });

  it('sends the version and the reason that are given, and no reason for an unusual status', () => {
    expect(sent({ type: 'response', version: '1.0', status: 404, reason: 'Gone Fishing\xe9' })).toMatch(/^HTTP\/1\.0 404 Gone Fishing\xe9\r\n/);
    expect(sent({ status: 299 })).toMatch(/^HTTP\/1\.1 299 \r\n/);
  });

  it('sends a field once for each value of an array', () => {
    expect(sent({ status: 200, headers: { 'Set-Cookie': ['a=1', 'b=2'], Age: 5, None: [] } })).toContain('OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nAge: 5\r\nContent');
  });

  it.each([
    [{ 'content-length': '2' }, 'content-length: 2\r\n'], [{ 'Transfer-Encoding': 'chunked' }, 'Transfer-Encoding: chunked\r\n'], [{ 'Content-Length': undefined }, ''],
  ])('adds no Content-Length to %j', (headers, fields) => {
    expect(sent({ status: 200, headers, body: 'ab' })).toBe(`HTTP/1.1 200 OK\r\n${fields}\r\nab`);
  });

  it.each([
    ['Headers', new Headers([['A', '1'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']]), 'a: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n'],
    ['a Map', new Map<string, string | number[]>([['A', '1'], ['B', [2, 3]]]), 'A: 1\r\nB: 2\r\nB: 3\r\n'],
    ['pairs', [['A', '1'], ['a', 2]] as const, 'A: 1\r\na: 2\r\n'],
  ])('sends the fields of %s', (_title, headers, fields) => {
    expect(sent({ status: 200, headers })).toBe(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`);
  });

  it('adds no Content-Length to the one of a Map', () => {
    expect(sent({ status: 200, headers: new Map([['content-length', 2]]), body: 'ab' })).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab');
  });

  it('sends the length of content that does not come, as a response to HEAD has it', () => {
    expect(sent({ status: 200, headers: { 'Content-Length': 5 } })).toBe('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    expect(sent({ status: 304, headers: { 'Content-Length': 5 }, body: '' })).toBe('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n');
  });

  it('says that a 205 has no content', () => {
    expect(sent({ status: 205 })).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
  });

  it.each([
    [{ status: 204, body: 'x' }, 'of status 204 has a body. Leave it out: this status has none (RFC 9110 §15).'],
    [{ status: 100, body: 'x' }, 'of status 100 has a body.'],
    [{ status: 205, body: 'x' }, 'of status 205 has a body.'],
    [{ status: 304, body: 'x' }, 'of status 304 has a body.'],
    [{ status: 204, headers: { 'Content-Length': 0 } }, 'of status 204 has Content-Length.'],
    [{ status: 101, headers: { 'transfer-encoding': 'chunked' } }, 'of status 101 has transfer-encoding.'],
    [{ status: 200, headers: { 'Content-Length': 3 }, body: 'é' }, 'has Content-Length 3 and a body of 2 bytes. Leave Content-Length out and it is filled in.'],
    [{ status: 200, headers: { 'Content-Length': '0x2' }, body: 'ab' }, 'whose Content-Length is "0x2"; it must be a number of bytes.'],
    [{ status: 200, headers: { 'Content-Length': -1 } }, 'whose Content-Length is "-1"'],
    [{ status: 200, headers: { 'Content-Length': [2, 2] }, body: 'ab' }, 'states its length more than once.'],
    [{ status: 200, headers: new Map([['Content-Length', 2], ['content-length', 2]]), body: 'ab' }, 'states its length more than once.'],
    [{ status: 200, headers: { 'Content-Length': 2, 'Transfer-Encoding': 'chunked' }, body: 'ab' }, 'states its length more than once.'],
    [{ status: 200, version: '1.0' as const, headers: { 'Transfer-Encoding': 'chunked' } }, 'of version 1.0 has Transfer-Encoding.'],
  ])('refuses %j, whose end the client would look for in the wrong place', (response, problem) => {
    expect(() => responseBytes(response)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(`HttpdFilter cannot send a response ${problem.startsWith('whose') ? '' : 'that '}${problem}`) as string,
    }));
  });

  it.each([100, 101, 204, 304])('adds no Content-Length to a %i', (status) => {
    expect(sent({ status })).toMatch(/^HTTP\/1\.1 \d+ [\w ]+\r\n\r\n$/);
  });

  it.each([
    [{ status: 200, headers: { A: 'b\r\nSet-Cookie: evil=1' } }, 'whose A is "b\\r\\nSet-Cookie: evil=1"; it must be text up to U+00FF without line ends.'],
    [{ status: 200, headers: { A: ['b', 'c\n'] } }, 'whose A is "c\\n"'],
    [{ status: 200, headers: { A: 'b\0' } }, 'whose A is'],
    // Node would cut these two characters to CR and LF.
    [{ status: 200, headers: { A: 'čĊ' } }, 'whose A is'],
    [{ status: 200, headers: { 'A: b\r\nC': 'd' } }, 'whose field name is "A: b\\r\\nC"; it must be letters, digits and hyphens.'],
    [{ status: 200, headers: { '': 'd' } }, 'whose field name is ""'],
    [{ status: 200, headers: { A: {} } }, 'whose A is an object'],
    [{ status: 200, headers: { A: null } }, 'whose A is null'],
    [{ status: 200, headers: null }, 'whose headers is null; it must be an object of names and values, or a Headers, a Map or another list of pairs.'],
    [{ status: 200, headers: ['A', 'b'] }, 'whose headers is "A"; it must be an object of names and values, or a Headers, a Map or another list of pairs; one of these is not a pair.'],
    [{ status: 200, headers: new Map([[5, 'x']]) }, 'whose field name is 5'],
    [{ status: 200, reason: 'OK\r\nA: b' }, 'whose reason is'],
    [{ status: 200, reason: 5 }, 'whose reason is 5'],
    [{ status: 200, version: '1.1\r\n' }, "whose version is \"1.1\\r\\n\"; it must be '1.0' or '1.1'."],
    [{ status: 200, version: '2.0' }, 'whose version is'],
    [{ status: 99 }, 'whose status is 99; it must be a number of three digits.'],
    [{ status: 1000 }, 'whose status is 1000'],
    [{ status: '200' }, 'whose status is "200"'],
    [{}, 'whose status is undefined'],
    [{ status: 200, body: 5 }, 'HttpdFilter cannot send 5; it takes Buffers and strings.'],
    ['OK', 'HttpdFilter cannot send "OK"; it takes responses, { status, headers, body }.'],
    [null, 'HttpdFilter cannot send null'],
  ])('refuses %j', (response, problem) => {
    expect(() => responseBytes(response as HttpdResponse)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });
});

describe('HttpdFault', () => {
  it('has a refusal that is a response', () => {
    expect(Buffer.from(new HttpdFault(413, 'No.').refusal.body).toString()).toBe('No.\n');
    expect(new HttpdFault(599, 'No.').refusal).toMatchObject({ type: 'response', status: 599, reason: '' });
  });
});
