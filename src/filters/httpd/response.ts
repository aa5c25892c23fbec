import { show } from '../../checks.js';
import { PreforkError } from '../../errors.js';
import { outputBytes, recordError } from '../parameters.js';
import { REASONS } from './fault.js';
import { isFieldText, isToken } from './grammar.js';
import type { HttpdResponse } from './records.js';

/** A line of the header, its value as text. */
type Field = readonly [name: string, value: string];

/** The bytes of a response; throws ERR_PREFORK_FILTER if it is not one, or if the client could read it as something else. */
export function responseBytes(given: HttpdResponse): Buffer {
  // The caller may be JavaScript.
  const response: unknown = given;
  if (typeof response !== 'object' || response === null) throw recordError('HttpdFilter', response, 'responses, { status, headers, body }');
  const { status, reason = REASONS[given.status] ?? '', headers = {}, version = '1.1' } = given;
  if (!Number.isInteger(status) || status < 100 || status > 999) throw unusable('status', status, 'a number of three digits');
  if (!isFieldText(reason)) throw unusable('reason', reason, FIELD_TEXT);
  if (!VERSIONS.includes(version)) throw unusable('version', version, "'1.0' or '1.1'");
  const body = given.body === undefined ? undefined : outputBytes('HttpdFilter', given.body);

  const entries = entriesOf(headers);
  const fields = entries.flatMap(([name, value]) => fieldsOf(name, value));
  checkFraming({ status, version, fields, length: body?.length });
  const lines = [`HTTP/${version} ${status} ${reason}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  // Also with 205: the client must be shown that there is no content.
  const hasLength = hasContent(status) || status === 205;
  if (hasLength && !entries.some(([name]) => isFraming(name))) lines.push(`Content-Length: ${body?.length ?? 0}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return body === undefined ? head : Buffer.concat([head, body]);
}

/** The names and values of an object, or of an iterable of pairs. */
function entriesOf(headers: unknown): [name: string, value: unknown][] {
  if (typeof headers !== 'object' || headers === null) throw unusable('headers', headers, HEADERS);
  if (!(Symbol.iterator in headers)) return Object.entries(headers);
  return Array.from(headers as Iterable<unknown>, (pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw unusable('headers', pair, `${HEADERS}; one of these is not a pair`);
    return pair as [string, unknown];
  });
}

function fieldsOf(name: string, value: unknown): Field[] {
  if (!isName(name)) throw unusable('field name', name, 'letters, digits and hyphens');
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => one !== undefined).map((one) => {
    // A line feed in text from outside would begin a field, or a response, of its author's choice; beyond U+00FF Node
    // would cut a character to one byte, which could be that line feed.
    if (!isFieldText(one) && typeof one !== 'number') throw unusable(name, one, FIELD_TEXT);
    return [name, String(one)];
  });
}

const isName = (name: unknown): name is string => typeof name === 'string' && isToken(name);

interface Framed {
  readonly status: number;
  readonly version: '1.0' | '1.1';
  readonly fields: readonly Field[];
  /** Bytes of the body; undefined if there is none. */
  readonly length: number | undefined;
}

/** Refuses a response that states a wrong length: what the client takes for the next response would be part of this one. */
function checkFraming({ status, version, fields, length }: Framed): void {
  const [stated, ...others] = fields.filter(([name]) => isFraming(name));
  if (!hasContent(status) && length !== undefined && length > 0) throw unframed(`of status ${status} has a body`, 'Leave it out: this status has none (RFC 9110 §15)');
  if (stated === undefined) return;
  const [name, value] = stated;
  if (others.length > 0) throw unframed('states its length more than once', 'Give one Content-Length or one Transfer-Encoding');
  if (status < 200 || status === 204) throw unframed(`of status ${status} has ${name}`, 'Leave it out: this status has no content (RFC 9110 §8.6)');
  if (name.toLowerCase() === 'transfer-encoding') {
    if (version === '1.0') throw unframed(`of version 1.0 has ${name}`, 'Leave it out: HTTP/1.0 does not know it');
    return;
  }
  // Digits only, anchored: linear.
  if (!/^\d+$/.test(value)) throw unusable(name, value, 'a number of bytes');
  if (length !== undefined && status !== 304 && Number(value) !== length) {
    throw unframed(`has ${name} ${value} and a body of ${length} bytes`, `Leave ${name} out and it is filled in`);
  }
}

/** RFC 9110 §6.4.1 and §15.3.6. A 304 may have a length even so: that of another response. */
const hasContent = (status: number): boolean => status >= 200 && status !== 204 && status !== 205 && status !== 304;

/** Names that say where a response ends. */
const isFraming = (name: string): boolean => ['content-length', 'transfer-encoding'].includes(name.toLowerCase());

const VERSIONS: readonly unknown[] = ['1.0', '1.1'];
const FIELD_TEXT = 'text up to U+00FF without line ends';
const HEADERS = 'an object of names and values, or a Headers, a Map or another list of pairs';

function unusable(what: string, value: unknown, expected: string): PreforkError {
  return new PreforkError('ERR_PREFORK_FILTER', `HttpdFilter cannot send a response whose ${what} is ${show(value)}; it must be ${expected}.`);
}

function unframed(problem: string, cure: string): PreforkError {
  return new PreforkError('ERR_PREFORK_FILTER', `HttpdFilter cannot send a response that ${problem}. ${cure}.`);
}
