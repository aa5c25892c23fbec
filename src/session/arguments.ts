import type { SessionTarget } from '../kernel.js';
import { callback, isThenable, show, showRefused } from '../checks.js';
import { PreforkError } from '../errors.js';
import type { AnyFilter, Handover } from '../filters/filter.js';

/** Checks of what users give to `kernel` and `heap.client`: at the call, before anything has changed. */

const FILTER_METHODS = ['get_one_start', 'get_one', 'get_pending', 'put', 'clone'] as const;

export function checkedFilter(call: string, filter: unknown): AnyFilter {
  const missing = FILTER_METHODS.filter((method) => typeof (filter as Readonly<Record<string, unknown>> | null | undefined)?.[method] !== 'function');
  if (missing.length === 0) return filter as AnyFilter;
  const given = show(filter);
  const advice = given.startsWith('the class ') ? `new ${given.slice('the class '.length)}(...), and only options take a class` : 'such as new LineFilter()';
  throw new PreforkError('ERR_PREFORK_FILTER', `heap.client.${call} was given ${given}; it takes a filter, ${advice}. Missing: ${missing.join(', ')}.`);
}

// Filters of the user's may return anything, promises above all: their methods must not be async.

/** The next record, or none. */
export function checkedRecord(one: unknown): [] | [unknown] {
  if (Array.isArray(one)) return one as [] | [unknown];
  throw badFilter('get_one', one, '[record], or [] if there is no whole one yet');
}

/** What a filter returns when it is given input, which must be nothing. */
export function checkedFeeding(given: unknown): void {
  if (isThenable(given)) throw badFilter('get_one_start', given, 'nothing');
}

/** What a filter leaves to the next. */
export function checkedHandover(method: 'hand_over' | 'get_pending', given: Handover): Handover {
  const pending: unknown = (given as Partial<Handover> | undefined)?.pending;
  if (Array.isArray(pending)) return given;
  throw badFilter(method, isThenable(pending) || method === 'get_pending' ? pending : given, 'the bytes that are left, in an array');
}

/** The part of the input that belongs to the next filter; undefined if there is none yet. */
export function checkedRest(input: Buffer | undefined): Buffer | undefined {
  const given: unknown = input;
  if (given === undefined || given instanceof Uint8Array) return input;
  throw badFilter("hand_over's rest", given, 'bytes, or undefined');
}

/** The text of a filter's output; undefined if it has none. */
export function checkedText(text: unknown): string | undefined {
  if (text === undefined || typeof text === 'string') return text;
  throw badFilter('put_text', text, 'a text, or undefined');
}

/** How that text becomes bytes. A stream would take a function for its callback. */
export function checkedEncoding(encoding: unknown): 'utf8' | 'latin1' {
  if (encoding === undefined) return 'utf8';
  if (encoding === 'utf8' || encoding === 'latin1') return encoding;
  throw new PreforkError('ERR_PREFORK_FILTER', `The filter's text_encoding is ${showRefused(encoding)}; it must be 'utf8', 'latin1' or undefined.`);
}

/** What a filter of the user's returns to be sent. */
export function checkedOutput(chunks: readonly unknown[]): Uint8Array[] {
  if (!Array.isArray(chunks)) throw badOutput(chunks);
  return chunks.map((chunk: unknown) => {
    if (chunk instanceof Uint8Array) return chunk;
    if (typeof chunk === 'string') return Buffer.from(chunk);
    throw badOutput(chunk);
  });
}

const badFilter = (method: string, given: unknown, expected: string): PreforkError => new PreforkError(
  'ERR_PREFORK_FILTER', `The filter's ${method} gave ${showRefused(given)}; it must give ${expected}.`,
);

const badOutput = (given: unknown): PreforkError => new PreforkError(
  'ERR_PREFORK_FILTER', `The output filter's put gave ${showRefused(given)}; it must give an array of Buffers. Nothing of it was sent.`,
);

export function checkedMark(call: string, bytes: unknown): number {
  if (typeof bytes === 'number' && bytes >= 0) return bytes;
  throw stateError(`heap.client.${call} was given ${show(bytes)}; it takes a number of bytes.`);
}

export function checkedTime(call: string, seconds: unknown): number {
  if (typeof seconds === 'number' && Number.isFinite(seconds)) return seconds;
  throw stateError(`kernel.${call} was given ${show(seconds)} as its time; it takes a number of seconds.`);
}

export function checkedName(call: string, name: unknown): string {
  if (typeof name === 'string') return name;
  throw stateError(`kernel.${call} was given ${show(name)} as a name; it takes a string.`);
}

export function checkedTarget(call: string, target: unknown): SessionTarget {
  if (typeof target === 'string' || typeof target === 'number') return target;
  if (typeof target === 'object' && target !== null && typeof (target as { ID?: unknown }).ID === 'number') return target as SessionTarget;
  throw stateError(`kernel.${call} was given ${show(target)} as the session to send to; it takes an alias, an ID or a session.`);
}

export function checkedHandler<Handler>(call: string, handler: Handler | undefined): Handler | undefined {
  const problem = handler === undefined ? undefined : callback(handler);
  if (problem === undefined) return handler;
  if (typeof handler === 'function') throw stateError(`kernel.${call} was given a handler that ${problem}.`);
  throw stateError(`kernel.${call} was given ${show(handler)} as a handler; it takes a function, or nothing to remove the handler.`);
}

const stateError = (message: string): PreforkError => new PreforkError('ERR_PREFORK_STATE', message);
