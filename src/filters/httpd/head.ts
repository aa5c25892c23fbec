import type { Buffer } from 'node:buffer';
import { HTTPParser } from 'http-parser-js';
import { EMPTY } from '../byte-queue.js';
import type { HttpdRequest } from './records.js';
import { HttpdFault } from './response.js';

/** Longest request line with all header fields, in bytes: 64 KiB. */
export const MAX_HEAD: number = 64 * 1024;

/** How the content behind a head ends. */
export type HttpdFraming = { readonly kind: 'sized'; readonly length: number } | { readonly kind: 'chunked' };

/** A request line with its header fields. */
export interface HttpdHead {
  readonly request: HttpdRequest;
  readonly framing: HttpdFraming;
}

/**
 * Finds where the head at the beginning of some bytes ends: the position after the blank line, -1 if that has not come.
 *
 * @param from - bytes before it were searched already
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

/** Reads a head, up to and with its blank line. Throws an HttpdFault if it cannot be accepted. */
export function readHead(bytes: Buffer, maxContent: number): HttpdHead {
  const text = bytes.toString('latin1');
  // Nothing of this belongs into a head, and another program on the way may take it for an end.
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) throw new HttpdFault(400, 'Control characters in the header.');
  const parsed = parse(bytes);
  // The parser passes over a line that is no field, and joins a line that begins with a space to the one before it.
  // Programs on the way read these otherwise: RFC 9112 §5.1 and §5.2 want them refused.
  const fields = text.split('\n').length - 3;
  if (parsed.headers.length !== fields * 2) throw new HttpdFault(400, 'Header parse failure.');

  const headers = fieldsByName(parsed.headers);
  const version = `${parsed.versionMajor}.${parsed.versionMinor}`;
  const framing = framingOf(headers, version, maxContent);
  const request: HttpdRequest = {
    type: 'request',
    method: String(HTTPParser.methods[parsed.method]),
    uri: parsed.url.replace(/^\/{2,}/, '/'),
    version,
    headers,
    rawHeaders: parsed.headers,
    keepAlive: keepsAlive(headers['connection'] ?? '', version),
    body: EMPTY,
    isWhole: true,
  };
  return { request, framing };
}

interface ParsedHead {
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly headers: string[];
  /** Position in HTTPParser.methods. */
  readonly method: number;
  readonly url: string;
}

/**
 * Lets the parser read a head only. The content is ours: this parser goes on to the next request by itself, keeps a chunk
 * header of any length, and never returns from the chunk size -5.
 */
function parse(bytes: Buffer): ParsedHead {
  let head: ParsedHead | undefined;
  const parser = new HTTPParser(HTTPParser.REQUEST);
  parser[HTTPParser.kOnHeadersComplete] = (...given: readonly unknown[]): number => {
    head = headOf(given);
    // No content, and stop here: what `onHeadersComplete` returns for an upgrade.
    return 2;
  };
  // Its default takes the top bit off every byte, which makes line ends and colons of others. It reads the encoding from
  // its class, where it is put back before anybody else can see it.
  const { encoding } = HTTPParser;
  let result: number | Error;
  try {
    HTTPParser.encoding = 'latin1';
    result = parser.execute(bytes);
  } finally {
    HTTPParser.encoding = encoding;
  }
  if (head !== undefined) return head;
  const isLength = result instanceof Error && 'code' in result && result.code === 'HPE_UNEXPECTED_CONTENT_LENGTH';
  throw new HttpdFault(400, isLength ? 'Content-Length is not a number.' : 'Request line parse failure.');
}

/** The parser passes one object, or the same as arguments once anybody in the process has read HTTPParser.kOnExecute. */
function headOf(given: readonly unknown[]): ParsedHead {
  if (typeof given[0] === 'object') return given[0] as ParsedHead;
  const [versionMajor, versionMinor, headers, method, url] = given as [number, number, string[], number, string];
  return { versionMajor, versionMinor, headers, method, url };
}

function fieldsByName(raw: readonly string[]): Record<string, string> {
  // Without a prototype: a client may name a field __proto__ or constructor.
  const fields = Object.create(null) as Record<string, string>;
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at]?.toLowerCase(), raw[at + 1]];
    const earlier = fields[name];
    fields[name] = earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return fields;
}

/** Tells where the content ends. Whatever two programs could understand differently is refused (RFC 9112 §6.3). */
function framingOf(headers: Readonly<Record<string, string>>, version: string, maxContent: number): HttpdFraming {
  const { 'transfer-encoding': coding, 'content-length': given } = headers;
  if (coding !== undefined) {
    if (given !== undefined || version === '1.0') throw new HttpdFault(400, 'Transfer-Encoding with Content-Length or HTTP/1.0.');
    if (coding.toLowerCase() !== 'chunked') throw new HttpdFault(501, 'Transfer-Encoding is not chunked.');
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

function keepsAlive(connection: string, version: string): boolean {
  const options = connection.toLowerCase().split(/[\t ]*,[\t ]*/);
  return version === '1.0' ? options.includes('keep-alive') : !options.includes('close');
}
