import type { Buffer } from 'node:buffer';
import { EMPTY } from '../byte-queue.js';
import { fieldOf, isHost, isTarget, isToken, listOf } from './grammar.js';
import type { HttpdRequest } from './records.js';
import { HttpdFault } from './fault.js';

/** Longest request line with all header fields, in bytes: 64 KiB. */
export const MAX_HEAD: number = 64 * 1024;

/** How the content after a head ends. */
export type HttpdFraming = { readonly kind: 'sized'; readonly length: number } | { readonly kind: 'chunked' };

/** A request line with its header fields. */
export interface HttpdHead {
  readonly request: HttpdRequest;
  readonly framing: HttpdFraming;
}

/**
 * Finds where the head at the beginning of some bytes ends: the position after the blank line, -1 if that has not come.
 *
 * @param from - bytes before it have already been searched
 */
export function endOfHead(bytes: Buffer, from: number): number {
  for (let lf = bytes.indexOf(LF, from); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] === LF) return lf + 2;
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF) return lf + 3;
  }
  return -1;
}

const LF = 10;
const CR = 13;

/**
 * Reads a head, up to and including its blank line (RFC 9112 §3 and §5). Lines end with CR LF or LF. Throws an HttpdFault
 * if it cannot be accepted: whatever a program between client and server could understand differently is refused.
 */
export function readHead(bytes: Buffer, maxContent: number): HttpdHead {
  // One character per byte. The last two ends are those of the last line and of the blank one.
  const [line = '', ...fieldLines] = bytes.toString('latin1').split('\n').slice(0, -2).map(withoutCr);
  const { method, uri, version } = requestLine(line);
  const fields = fieldLines.map(fieldOf);
  const headers = fieldsByName(fields);
  checkHost(fields, version);
  const framing = framingOf(headers, version, maxContent);
  const request: HttpdRequest = {
    type: 'request',
    method,
    uri,
    version,
    headers,
    rawHeaders: fields.flat(),
    keepAlive: keepsAlive(headers['connection'] ?? '', version),
    expectsContinue: version === '1.1' && hasContent(framing) && listOf(headers['expect'] ?? '').includes('100-continue'),
    body: EMPTY,
    isWhole: true,
  };
  return { request, framing };
}

const withoutCr = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** Whether content follows the head. */
export const hasContent = (framing: HttpdFraming): boolean => framing.kind === 'chunked' || framing.length > 0;

type RequestLine = Pick<HttpdRequest, 'method' | 'uri' | 'version'>;

function requestLine(line: string): RequestLine {
  const [method = '', target = '', protocol = '', ...more] = line.split(' ');
  const major = /^HTTP\/(\d)\.\d$/.exec(protocol)?.[1];
  if (more.length > 0 || major === undefined || !isToken(method) || !isTarget(target, method)) throw new HttpdFault(400, 'Request line parse failure.');
  if (major !== '1') throw new HttpdFault(505, `${protocol} is not supported.`);
  // RFC 9110 §6.2: a later version with the same major number is treated as the latest known one.
  return { method, uri: target.replace(/^\/{2,}/, '/'), version: protocol === 'HTTP/1.0' ? '1.0' : '1.1' };
}

/** RFC 9112 §3.2: exactly one, and a valid one; HTTP/1.0 may do without. */
function checkHost(fields: readonly (readonly [name: string, value: string])[], version: string): void {
  const hosts = fields.filter(([name]) => name.toLowerCase() === 'host');
  if (hosts.length > 1 || (hosts.length === 0 && version !== '1.0')) throw new HttpdFault(400, 'There must be one Host field.');
  if (hosts.some(([, value]) => !isHost(value))) throw new HttpdFault(400, 'Host is not a host.');
}

function fieldsByName(fields: readonly (readonly [name: string, value: string])[]): Record<string, string> {
  // Without a prototype: a client may name a field __proto__ or constructor.
  const byName = Object.create(null) as Record<string, string>;
  for (const [given, value] of fields) {
    const name = given.toLowerCase();
    const earlier = byName[name];
    byName[name] = earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return byName;
}

/** Where the content ends (RFC 9112 §6.3). */
function framingOf(headers: Readonly<Record<string, string>>, version: string, maxContent: number): HttpdFraming {
  const { 'transfer-encoding': coding, 'content-length': given } = headers;
  if (coding !== undefined) {
    if (given !== undefined || version === '1.0') throw new HttpdFault(400, 'Transfer-Encoding with Content-Length or HTTP/1.0.');
    checkCodings(listOf(coding));
    return { kind: 'chunked' };
  }
  if (given === undefined) {
    if (headers['content-encoding'] !== undefined && version !== '1.0') throw new HttpdFault(411, 'No content length found.');
    return { kind: 'sized', length: 0 };
  }
  const length = Number(given);
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(length)) throw new HttpdFault(400, 'Content-Length is not a number.');
  if (length > maxContent) throw new HttpdFault(413, `Content of ${length} octets not accepted.`);
  return { kind: 'sized', length };
}

/** Only chunked content has an end that can be found, and chunked must come last and only once. Others may come before it, but are not supported. */
function checkCodings(codings: readonly string[]): void {
  if (codings.indexOf('chunked') !== codings.length - 1 || codings.length === 0) throw new HttpdFault(400, 'Transfer-Encoding does not end with chunked.');
  if (codings.length > 1) throw new HttpdFault(501, 'Transfer-Encoding is not chunked.');
}

/** RFC 9112 §9.3. */
function keepsAlive(connection: string, version: string): boolean {
  const options = listOf(connection);
  return !options.includes('close') && (version === '1.1' || options.includes('keep-alive'));
}
