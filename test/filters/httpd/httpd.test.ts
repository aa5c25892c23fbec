import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { HttpdFilter, type HttpdParameters } from '../../../src/filters/httpd/httpd.js';
import type { HttpdBody, HttpdRecord, HttpdRequest } from '../../../src/filters/httpd/records.js';
import { filterContract } from '../../support/filter-contract.js';

const CHUNKED = 'POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
const PIPELINE = [
  '\r\n \t\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n', 'POST //b HTTP/1.0\nContent-Length: 5\n\n\r\nab\0', `${CHUNKED}3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n`,
  'PUT /d HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
].join('');
const request = (method: string, uri: string, body = ''): unknown => expect.objectContaining({ type: 'request', method, uri, body: Buffer.from(body), isWhole: true });
const LIMITS = { MaxContent: 100, MaxBuffer: 70_000 };

/** Joins the pieces of each content, whose number depends on the reads. */
function joinBodies(records: readonly unknown[]): unknown[] {
  const joined: unknown[] = [];
  let pieces: Buffer[] = [];
  for (const record of records as HttpdRecord[]) {
    if (record.type !== 'body') joined.push(`${record.type} ${record.type === 'response' ? record.status : record.uri}`);
    else if (record.isLast) {
      joined.push(Buffer.concat([...pieces, record.body]).toString());
      pieces = [];
    } else pieces.push(record.body);
  }
  return joined;
}

filterContract('HttpdFilter', [
  {
    title: 'pipelined requests', create: () => new HttpdFilter(LIMITS), input: PIPELINE, maxPending: 70_000,
    records: [request('GET', '/a'), request('POST', '/b', '\r\nab\0'), request('POST', '/c', 'abc0123456789'), request('PUT', '/d')],
  },
  {
    title: 'Streaming', create: () => new HttpdFilter({ ...LIMITS, Streaming: 1 }), input: PIPELINE, maxPending: 70_000,
    records: ['request /a', 'request /b', '\r\nab\0', 'request /c', 'abc0123456789', 'request /d'], normalize: joinBodies, handsOn: false,
  },
  {
    title: 'a request that cannot be accepted', create: () => new HttpdFilter(LIMITS), input: 'GET / HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n',
    records: [request('GET', '/'), expect.objectContaining({ type: 'response', status: 400 })], maxPending: 70_000, handsOn: false,
  },
]);

const get = (input: string | Buffer, parameters?: HttpdParameters): HttpdRecord[] => new HttpdFilter(parameters).get([input]);
/** A head with these lines and, as HTTP/1.1 wants it, a Host. */
const head = (line: string, ...fields: string[]): string => bare(line, ...line.endsWith('1.1') ? ['Host: x'] : [], ...fields);
const bare = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const first = (input: string | Buffer): HttpdRequest => get(input)[0] as HttpdRequest;

describe('HttpdFilter, requests', () => {
  it('yields method, target, version, fields and content', () => {
    expect(first('POST /p?q=%20 HTTP/1.1\r\nHost: x:1\r\nX-A:  b c \r\ncontent-length: 2\r\n\r\nhi')).toEqual({
      type: 'request', method: 'POST', uri: '/p?q=%20', version: '1.1', headers: { host: 'x:1', 'x-a': 'b c', 'content-length': '2' },
      rawHeaders: ['Host', 'x:1', 'X-A', 'b c', 'content-length', '2'], keepAlive: true, expectsContinue: false, body: Buffer.from('hi'), isWhole: true,
    });
  });

  it('joins fields that come more than once', () => {
    expect(first(head('GET / HTTP/1.1', 'A: 1', 'a: 2', 'Cookie: x=1', 'Cookie: y=2')).headers).toEqual({ host: 'x', a: '1, 2', cookie: 'x=1; y=2' });
  });

  it('has no prototype that a client could reach through a field name', () => {
    const { headers } = first(head('GET / HTTP/1.1', '__proto__: x', 'constructor: y'));

    expect(Object.entries(headers)).toEqual([['host', 'x'], ['__proto__', 'x'], ['constructor', 'y']]);
    expect('toString' in headers).toBe(false);
  });

  it('keeps every byte above 127 in a field as one character', () => {
    expect(first(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nA: \xe9\x8a\x8d\r\nB\xba c: d\r\n\r\n', 'latin1')).type).toBe('response');
    expect(first(Buffer.from('GET / HTTP/1.0\r\nA: \xa0\xe9\x8a\x8d\xa0\r\n\r\n', 'latin1')).headers).toEqual({ a: '\xa0\xe9\x8a\x8d\xa0' });
  });

  it.each([
    ['1.1', '', true], ['1.1', 'Connection: close', false], ['1.1', 'Connection: TE , Close', false],
    ['1.0', '', false], ['1.0', 'Connection: Keep-Alive', true], ['1.0', 'Connection: keep-alive, close', false],
  ])('tells whether an HTTP/%s client with %j goes on: %j', (version, field, keepAlive) => {
    expect(first(field === '' ? head(`GET / HTTP/${version}`) : head(`GET / HTTP/${version}`, field)).keepAlive).toBe(keepAlive);
  });

  it.each(['QUERY', 'M-SEARCH', 'purge', "!#$%&'*+.^_`|~09"])('takes any token for a method: %s', (method) => {
    expect(first(head(`${method} / HTTP/1.1`)).method).toBe(method);
  });

  it.each([
    ['GET', '/a?b=c#d'], ['GET', 'http://x/a'], ['OPTIONS', '*'], ['CONNECT', 'x:443'], ['CONNECT', '[::1]:443'],
  ])('takes the target of %s %s', (method, target) => {
    expect(first(head(`${method} ${target} HTTP/1.1`)).uri).toBe(target);
  });

  it.each(['', 'x', 'x:80', '127.0.0.1:80', '[::1]', '[fe80::1]:80', 'a_b.c', 'a%2Db'])('takes the Host %j', (host) => {
    expect(first(bare('GET / HTTP/1.1', `Host: ${host}`)).headers['host']).toBe(host);
  });

  it('understands a later HTTP/1 as 1.1, as RFC 9110 has it, and asks HTTP/1.0 for no Host', () => {
    expect(first(bare('GET / HTTP/1.3', 'Host: x')).version).toBe('1.1');
    expect(first(bare('GET / HTTP/1.0')).version).toBe('1.0');
  });

  it('leaves what follows an upgrade in the input, for another filter', () => {
    const filter = new HttpdFilter();
    filter.get_one_start([head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: x'), 'rest']);

    expect(filter.get_one()).toHaveLength(1);
    expect(filter.get_pending()?.join()).toBe('rest');
  });

  it('takes the size of a chunk in any case, with extensions and trailer fields', () => {
    expect(first(`${CHUNKED}0a;ext="x"\r\n0123456789\r\n1 ;\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n`).body.toString()).toBe('0123456789x');
  });
});

describe('HttpdFilter, a client that expects 100 (Continue)', () => {
  const HEAD = head('POST / HTTP/1.1', 'Expect: 100-Continue', 'Content-Length: 2');

  it('shows the request before its content with Expect, so that the handler can answer', () => {
    const filter = new HttpdFilter({ Expect: true });

    expect(filter.get([HEAD])).toEqual([expect.objectContaining({ type: 'expect', method: 'POST', expectsContinue: true, isWhole: false })]);
    expect(filter.put([{ status: 100 }]).join()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(filter.get(['ab'])).toEqual([expect.objectContaining({ type: 'request', body: Buffer.from('ab'), expectsContinue: false, isWhole: true })]);
  });

  it('says so in the request itself with Streaming', () => {
    expect(new HttpdFilter({ Streaming: true }).get([HEAD])).toEqual([expect.objectContaining({ type: 'request', expectsContinue: true })]);
  });

  it.each([
    ['there is no such parameter', undefined, HEAD, 0],
    ['the content is there', { Expect: 1 } as const, `${HEAD}ab`, 1],
    ['the request is HTTP/1.0', { Expect: 1 } as const, head('POST / HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 2'), 0],
    ['no content follows', { Expect: 1 } as const, head('GET / HTTP/1.1', 'Expect: 100-continue'), 1],
    ['something else is expected', { Expect: 1 } as const, head('POST / HTTP/1.1', 'Expect: x', 'Content-Length: 2'), 0],
  ])('shows nothing before the content if %s', (_title, parameters, input, count) => {
    const records = get(input, parameters);

    expect(records).toHaveLength(count);
    for (const record of records) expect(record).toMatchObject({ type: 'request', expectsContinue: false });
  });
});

describe('HttpdFilter, Streaming', () => {
  it('yields a request at once and its content as it comes', () => {
    const filter = new HttpdFilter({ Streaming: true });

    expect(filter.get([head('POST / HTTP/1.1', 'Content-Length: 4')])).toEqual([expect.objectContaining({ type: 'request', isWhole: false })]);
    expect(filter.get(['ab'])).toEqual([{ type: 'body', body: Buffer.from('ab'), isLast: false }]);
    expect(filter.get([])).toEqual([]);
    expect(filter.get(['cdGET'])).toEqual([{ type: 'body', body: Buffer.from('cd'), isLast: true }]);
    expect(filter.get_pending()?.join()).toBe('GET');
  });

  it('ends chunked content with a last piece, which may be empty', () => {
    const filter = new HttpdFilter({ Streaming: true });

    expect(filter.get([`${CHUNKED}2\r\nab\r\n`]).slice(1)).toEqual([{ type: 'body', body: Buffer.from('ab'), isLast: false }]);
    expect(filter.get(['0\r\n\r\n'])).toEqual([{ type: 'body', body: Buffer.from(''), isLast: true }]);
  });

  it('keeps nothing of content that was taken, however much there is', () => {
    const filter = new HttpdFilter({ Streaming: true, MaxContent: 10_000_000 });
    filter.get([head('POST / HTTP/1.1', 'Content-Length: 10000000')]);
    let length = 0;
    for (let count = 0; count < 100; count++) {
      for (const { body } of filter.get([Buffer.alloc(100_000)]) as HttpdBody[]) length += body.length;
      expect(filter.get_pending()).toBeUndefined();
    }

    expect(length).toBe(10_000_000);
  });
});

describe('HttpdFilter, what it does not accept', () => {
  const BAD_LENGTH = 'Content-Length is not a number.';
  const BAD_LINE = 'Request line parse failure.';
  const BAD_HOST = 'There must be one Host field.';
  const BAD_CODING = 'Transfer-Encoding does not end with chunked.';
  const BAD_END = 'A line between chunks does not end with CR LF.';

  it.each([
    ['no request', head('nonsense'), 400, BAD_LINE],
    ['a method that is no token', head('GE(T / HTTP/1.1'), 400, BAD_LINE],
    ['no version (HTTP/0.9)', head('GET /'), 400, BAD_LINE],
    ['version 0.9', head('GET / HTTP/0.9'), 505, 'HTTP/0.9 is not supported.'],
    ['version 2.0', head('GET / HTTP/2.0'), 505, 'HTTP/2.0 is not supported.'],
    ['what begins HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, BAD_LINE],
    ['a version of more digits', head('GET / HTTP/1.10'), 400, BAD_LINE],
    ['two spaces in the first line', head('GET  / HTTP/1.1'), 400, BAD_LINE],
    ['a space behind the first line', head('GET / HTTP/1.1 '), 400, BAD_LINE],
    ['a space in the target', head('GET /a b HTTP/1.1'), 400, BAD_LINE],
    ['a tab in the target', head('GET /a\tb HTTP/1.1'), 400, BAD_LINE],
    ['a bare CR in the target', head('GET /a\rb HTTP/1.1'), 400, BAD_LINE],
    ['a target that is not ASCII', head('GET /é HTTP/1.1'), 400, BAD_LINE],
    ['a target of no form', head('GET a HTTP/1.1'), 400, BAD_LINE],
    ['an asterisk for more than OPTIONS', head('GET * HTTP/1.1'), 400, BAD_LINE],
    ['a tunnel to a path', head('CONNECT /a HTTP/1.1'), 400, BAD_LINE],
    ['no Host', bare('GET / HTTP/1.1'), 400, BAD_HOST],
    ['two Hosts', bare('GET / HTTP/1.1', 'Host: a', 'host: a'), 400, BAD_HOST],
    ['two Hosts in HTTP/1.0', bare('GET / HTTP/1.0', 'Host: a', 'Host: b'), 400, BAD_HOST],
    ['a Host that is none', bare('GET / HTTP/1.1', 'Host: a b'), 400, 'Host is not a host.'],
    ['a Host with a path', bare('GET / HTTP/1.1', 'Host: a/b'), 400, 'Host is not a host.'],
    ['a field whose name is no token', head('GET / HTTP/1.1', 'A(b): c'), 400, 'Header parse failure.'],
    ['a field without a name', head('GET / HTTP/1.1', ': c'), 400, 'Header parse failure.'],
    ['white space before the first field', bare('GET / HTTP/1.1', ' Host: x'), 400, 'Header parse failure.'],
    ['no fields but a blank line', 'G\n\n', 400, BAD_LINE],
    ['a length that is no number', head('POST / HTTP/1.1', 'Content-Length: x'), 400, BAD_LENGTH],
    ['a signed length', head('POST / HTTP/1.1', 'Content-Length: +5'), 400, BAD_LENGTH],
    ['a hexadecimal length', head('POST / HTTP/1.1', 'Content-Length: 0x5'), 400, BAD_LENGTH],
    ['an empty length', head('POST / HTTP/1.1', 'Content-Length:'), 400, BAD_LENGTH],
    ['a length beyond numbers', head('POST / HTTP/1.1', `Content-Length: ${'9'.repeat(30)}`), 400, BAD_LENGTH],
    ['two lengths that differ', head('POST / HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6'), 400, BAD_LENGTH],
    ['two lengths', head('POST / HTTP/1.1', 'Content-Length: 5', 'Content-Length: 5'), 400, BAD_LENGTH],
    ['a length and chunks', head('POST / HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked'), 400, 'Transfer-Encoding with Content-Length or HTTP/1.0.'],
    ['chunks in HTTP/1.0', head('POST / HTTP/1.0', 'Transfer-Encoding: chunked'), 400, 'Transfer-Encoding with Content-Length or HTTP/1.0.'],
    ['another coding', head('POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked'), 501, 'Transfer-Encoding is not chunked.'],
    ['a coding that is not chunked', head('POST / HTTP/1.1', 'Transfer-Encoding: gzip'), 400, BAD_CODING],
    ['no coding', head('POST / HTTP/1.1', 'Transfer-Encoding:'), 400, BAD_CODING],
    ['chunks of chunks', head('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400, BAD_CODING],
    ['encoded content without length', head('POST / HTTP/1.1', 'Content-Encoding: gzip'), 411, 'No content length found.'],
    ['more than MaxContent', head('POST / HTTP/1.1', 'Content-Length: 1048577'), 413, 'Content of 1048577 octets not accepted.'],
    ['more than MaxContent in chunks', `${CHUNKED}fffff\r\n${'x'.repeat(0xfffff)}\r\n2\r\n`, 413, 'Content of 1048577 octets not accepted.'],
    ['a huge chunk', `${CHUNKED}fffffffffffff\r\n`, 413, 'Content of 4503599627370495 octets not accepted.'],
    ['a negative chunk', `${CHUNKED}1\r\na\r\n-5\r\nxx`, 400, 'Chunk size parse failure.'],
    ['a chunk without size', `${CHUNKED}\r\n`, 400, 'Chunk size parse failure.'],
    ['a chunk with a long size', `${CHUNKED}${'0'.repeat(14)}\r\n`, 400, 'Chunk size parse failure.'],
    ['a chunk that goes on', `${CHUNKED}1\r\nab\r\n`, 400, 'Chunk is longer than its size.'],
    ['an endless chunk header', `${CHUNKED}1;${'x'.repeat(5000)}`, 400, 'Chunk header or trailer too long.'],
    ['endless trailer fields', `${CHUNKED}0\r\n${'a: b\r\n'.repeat(101)}`, 400, 'Too many trailer fields.'],
    ['a bare LF behind a size', `${CHUNKED}1\na\r\n0\r\n\r\n`, 400, BAD_END],
    ['a bare LF behind a chunk', `${CHUNKED}1\r\na\n0\r\n\r\n`, 400, BAD_END],
    ['a bare LF behind a trailer', `${CHUNKED}0\r\nA: b\n\r\n`, 400, BAD_END],
    ['a bare LF at the end of chunks', `${CHUNKED}0\r\n\n`, 400, BAD_END],
    ['a bare CR in an extension', `${CHUNKED}1;a\rb\r\na\r\n0\r\n\r\n`, 400, 'Chunk size parse failure.'],
    ['a trailer that is no field', `${CHUNKED}0\r\nnonsense\r\n\r\n`, 400, 'Header parse failure.'],
    ['a folded trailer', `${CHUNKED}0\r\nA: b\r\n c\r\n\r\n`, 400, 'Header parse failure.'],
    ['a field without a colon', head('GET / HTTP/1.1', 'Host x'), 400, 'Header parse failure.'],
    ['a space before the colon', head('POST / HTTP/1.1', 'Transfer-Encoding : chunked'), 400, 'Header parse failure.'],
    ['a folded field', head('GET / HTTP/1.1', 'A: b', ' c'), 400, 'Header parse failure.'],
    ['a NUL in a field', head('GET / HTTP/1.1', 'A: \0'), 400, 'Control characters in the header.'],
    ['a bare CR in a field', head('GET / HTTP/1.1', 'A: b\rC: d'), 400, 'Control characters in the header.'],
    ['two CRs at the end of a field', head('GET / HTTP/1.1', 'A: b\r'), 400, 'Control characters in the header.'],
    ['an endless header', `GET / HTTP/1.1\r\nA: ${'x'.repeat(65_536)}`, 431, 'Header of more than 65536 octets not accepted.'],
    ['a header that is too long', head('GET / HTTP/1.1', `A: ${'x'.repeat(65_536)}`), 431, 'Header of more than 65536 octets not accepted.'],
  ])('refuses %s', (_title, input, status, text) => {
    const records = get(input).filter(({ type }) => type !== 'body');

    expect(records).toEqual([expect.objectContaining({ type: 'response', status, body: `${text}\n` })]);
  });

  it.each([
    ['an option between many spaces', (count: number) => `Connection: a${' '.repeat(count)}b`],
    ['many spaces before a value', (count: number) => `A:${' '.repeat(count)}b`],
    ['many spaces behind a value', (count: number) => `A: b${' '.repeat(count)}`],
    ['many commas', (count: number) => `Connection: ${','.repeat(count)}`],
    ['many options', (count: number) => `Connection: ${'a ,'.repeat(count / 3)}`],
    ['many codings', (count: number) => `Transfer-Encoding: ${'chunked,'.repeat(count / 8)}`],
    ['a long host', (count: number) => `Host: ${'a'.repeat(count)}@`],
    ['many fields of one name', (count: number) => 'a:\r\n'.repeat(count / 4)],
    ['a long name', (count: number) => 'a'.repeat(count)],
  ])('takes a time for %s that grows as its size does', (_title, field) => {
    const shortest = (count: number): number => Math.min(...Array.from({ length: 5 }, () => {
      const text = bare('GET / HTTP/1.1', field(count).replace(/\r\n$/, ''));
      const began = performance.now();
      get(text);
      return performance.now() - began;
    }));

    // Sixteen times the size: sixteen times the time if it is linear, 256 times if it is quadratic (seconds). 2 ms: what is
    // too short to be measured.
    expect(shortest(60_000)).toBeLessThan(64 * (shortest(3750) + 2));
  });

  it('takes encoded content without length in HTTP/1.0 for none', () => {
    expect(first(head('GET / HTTP/1.0', 'Content-Encoding: gzip')).type).toBe('request');
  });

  it('refuses chunks that are much more than their content, instead of keeping them', () => {
    const filter = new HttpdFilter({ MaxContent: 100_000, MaxBuffer: 200_000 });

    const records = filter.get([CHUNKED, '1\r\nx\r\n'.repeat(40_000)]);

    expect(records).toEqual([expect.objectContaining({ status: 413, body: 'Chunks of too many octets not accepted.\n' })]);
  });

  it('discards everything after a request that it refused', () => {
    const filter = new HttpdFilter();
    filter.get([`nonsense\r\n\r\n${head('GET / HTTP/1.1')}`]);

    expect(filter.get_pending()).toBeUndefined();
    expect(filter.get([head('GET / HTTP/1.1')])).toEqual([]);
    expect(filter.get_pending()).toBeUndefined();
  });

  it('makes the refusal a response that can be put as it is', () => {
    const filter = new HttpdFilter();
    const [refusal] = filter.get(['nonsense\r\n\r\n']);

    expect(refusal?.type === 'response' && filter.put([refusal]).join()).toBe(
      'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 28\r\n\r\nRequest line parse failure.\n',
    );
  });

  it('throws if input comes while more than MaxBuffer still waits, and takes none of it', () => {
    const filter = new HttpdFilter({ MaxContent: 1, MaxBuffer: 10 });
    filter.get_one_start([head('GET / HTTP/1.1').repeat(4000)]);

    expect(() => filter.get_one_start(['x'])).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BUFFER_FULL' }));
    expect(filter.get_one()).toHaveLength(1);
  });

  it('does not mind white space without end between requests', () => {
    const filter = new HttpdFilter({ MaxContent: 1, MaxBuffer: 10 });
    for (let count = 0; count < 100; count++) expect(filter.get([Buffer.alloc(10_000, '\r\n')])).toEqual([]);

    expect(filter.get_pending()).toBeUndefined();
  });

  it('leaves MaxContent what MaxBuffer has beside a header, if it is not given', () => {
    expect(get(head('POST / HTTP/1.1', 'Content-Length: 101'), { MaxBuffer: 65_636 })).toMatchObject([{ status: 413 }]);
    expect(get(head('POST / HTTP/1.1', 'Content-Length: 100'), { MaxBuffer: 65_636 })).toEqual([]);
  });

  it.each([
    [{ MaxContent: 0 }, 'MaxContent must be a whole number above 0, not 0.'],
    [{ MaxBuffer: 'x' }, 'MaxBuffer must be a whole number above 0, not "x".'],
    [{ Streaming: 'on' }, 'Streaming must be true, false, 1 or 0, not "on".'],
    [{ MaxContent: 10, MaxBuffer: 9 }, 'MaxContent (10) must not exceed MaxBuffer (9)'],
    [{ MaxLength: 1 }, 'MaxLength is not an option.'],
    [null, 'they must be one object, not null.'],
  ])('refuses the parameters %j', (parameters, problem) => {
    expect(() => new HttpdFilter(parameters as HttpdParameters)).toThrow(expect.objectContaining({
      code: 'ERR_PREFORK_FILTER', message: expect.stringContaining(problem) as string,
    }));
  });
});
