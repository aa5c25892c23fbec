import { HttpdFault } from './fault.js';

// Every regular expression here is run over what a client sends, up to 64 KiB of it. Each is linear for a visible reason:
// it is anchored at both ends, and at every point the next character decides which part comes next, so there is never
// anything to retry. Lists and white space at the ends of values are parsed by hand: an expression such as /[\t ]+$/ tries
// every space of a long run as the first one.

/** A name or method: RFC 9110 §5.6.2. One class, anchored: linear. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** What a field may contain: RFC 9110 §5.5. One class, anchored: linear. */
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
/** A path, '*', or an address, without white space: RFC 9112 §3.2. One class, anchored: linear. */
const TARGET = /^[\x21-\x7e]+$/;
/** The beginning of an absolute address: RFC 3986 §3.1. ':' is not in the class before it: linear. */
const SCHEME = /^[a-z][a-z\d+.-]*:\/\/./i;
/** A host with an optional port: RFC 9110 §7.2. ']' and ':' are in none of the classes that they end: linear. */
const HOST = /^(?:\[[\w.~!$&'()*+,;=:-]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/;
/** The size of a chunk, with extensions after it: RFC 9112 §7.1. Digits, space and ';' have nothing in common: linear. */
const CHUNK_SIZE = /^([\da-f]{1,13})[\t ]*(?:;|$)/i;

/** Whether a text can be a method or the name of a field. */
export const isToken = (text: string): boolean => TOKEN.test(text);

/** Whether a value can be (part of) a field, and has no line end that would begin another one. */
export const isFieldText = (value: unknown): value is string => typeof value === 'string' && FIELD_TEXT.test(value);

/** Whether a text is one of the four forms of a target that fit a method: RFC 9112 §3.2. */
export function isTarget(text: string, method: string): boolean {
  if (!TARGET.test(text)) return false;
  if (method === 'CONNECT') return isHost(text) && text.includes(':');
  return text.startsWith('/') || SCHEME.test(text) || (text === '*' && method === 'OPTIONS');
}

/** Whether a text can be the value of a Host field; an empty one can. */
export const isHost = (text: string): boolean => HOST.test(text);

/** The size in the first line of a chunk; undefined if it is not such a line. */
export function chunkSize(line: string): number | undefined {
  const digits = CHUNK_SIZE.exec(line)?.[1];
  return digits === undefined || !isFieldText(line) ? undefined : Number.parseInt(digits, 16);
}

/** Takes a field line apart: RFC 9112 §5. Throws an HttpdFault for what is not one, such as a folded line. */
export function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!isToken(name)) throw new HttpdFault(400, 'Header parse failure.');
  const value = trimmed(line, colon + 1);
  if (!isFieldText(value)) throw new HttpdFault(400, 'Control characters in the header.');
  return [name, value];
}

/** The members of a comma separated list, in lower case: RFC 9110 §5.6.1. */
export function listOf(value: string): string[] {
  return value.toLowerCase().split(',').map((member) => trimmed(member, 0)).filter((member) => member !== '');
}

/** A text from a position on, without spaces and tabs at its ends. `trim` would also remove bytes above 127, which are not white space here. */
function trimmed(text: string, start: number): string {
  let from = start;
  let to = text.length;
  while (from < to && isSpace(text, from)) from++;
  while (from < to && isSpace(text, to - 1)) to--;
  return text.slice(from, to);
}

const SPACE = 32;
const TAB = 9;
const isSpace = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code === SPACE || code === TAB;
};
