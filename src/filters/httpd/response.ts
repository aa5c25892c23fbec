import { Buffer } from 'node:buffer';
import { PreforkError } from '../../errors.js';
import { show } from '../../checks.js';
import type { HttpdRefusal, HttpdResponse } from './records.js';
import { outputBytes, recordError } from '../parameters.js';

/** Why a request cannot be accepted. The filter throws it to itself and yields the refusal. */
export class HttpdFault extends Error {
  readonly refusal: HttpdRefusal;

  constructor(status: number, text: string) {
    super(text);
    this.refusal = {
      type: 'response',
      status,
      reason: REASONS[status] ?? '',
      headers: { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' },
      body: `${text}\n`,
    };
  }
}

/** The bytes of a response; throws ERR_PREFORK_FILTER if it is none or could be read as something else by the client. */
export function responseBytes(given: HttpdResponse): Buffer {
  // What arrives may come from JavaScript.
  const response: unknown = given;
  if (typeof response !== 'object' || response === null) throw recordError('HttpdFilter', response, 'responses, { status, headers, body }');
  const { status, reason = REASONS[given.status] ?? '', headers = {}, version = '1.1' } = given;
  if (!Number.isInteger(status) || status < 100 || status > 999) throw unusable('status', status, 'a number of three digits');
  if (!isText(reason)) throw unusable('reason', reason, FIELD_TEXT);
  if (!/^1\.[01]$/.test(version)) throw unusable('version', version, "'1.0' or '1.1'");
  const body = given.body === undefined ? undefined : outputBytes('HttpdFilter', given.body);

  const lines = [`HTTP/${version} ${status} ${reason}`, ...fieldLines(headers)];
  if (!isFramed(status, Object.keys(headers))) lines.push(`Content-Length: ${body?.length ?? 0}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return body === undefined ? head : Buffer.concat([head, body]);
}

function fieldLines(headers: NonNullable<HttpdResponse['headers']>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw unusable('field name', name, 'letters, digits and hyphens');
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.filter((one) => one !== undefined).map((one) => {
      if (!isText(one) && typeof one !== 'number') throw unusable(name, one, FIELD_TEXT);
      return `${name}: ${one}`;
    });
  });
}

/** Tells whether the client finds the end of a response without a Content-Length of ours. */
function isFramed(status: number, names: readonly string[]): boolean {
  // RFC 9110 §8.6: no Content-Length with 1xx and 204; a 304 describes another response.
  if (status < 200 || status === 204 || status === 304) return true;
  return names.some((name) => /^(content-length|transfer-encoding)$/i.test(name));
}

// A line feed from a stranger's text would begin a field, or a response, of his choice; beyond U+00FF Node would cut a
// character to one byte, which could be that line feed.
const isText = (value: unknown): value is string => typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
const FIELD_TEXT = 'text up to U+00FF without line ends';

function unusable(what: string, value: unknown, expected: string): PreforkError {
  return new PreforkError('ERR_PREFORK_FILTER', `HttpdFilter cannot send a response whose ${what} is ${show(value)}; it must be ${expected}.`);
}

/** RFC 9110 §15. */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Continue', 101: 'Switching Protocols',
  200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 206: 'Partial Content',
  301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect',
  400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable',
  408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 411: 'Length Required', 412: 'Precondition Failed', 413: 'Content Too Large',
  414: 'URI Too Long', 415: 'Unsupported Media Type', 416: 'Range Not Satisfiable', 417: 'Expectation Failed',
  422: 'Unprocessable Content', 426: 'Upgrade Required', 429: 'Too Many Requests', 431: 'Request Header Fields Too Large',
  500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};
