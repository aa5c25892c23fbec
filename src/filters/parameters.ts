import { PreforkError } from '../errors.js';
import { checkEach, expect, inheritedNames, show, showRefused, type Check } from '../checks.js';

/** The parameters of a filter and what each may be. */
export type ParameterChecks = Readonly<Record<string, Check>>;

/** Throws one ERR_PREFORK_FILTER that lists every problem with the parameters of a filter; undefined means none were given. */
export function checkParameters(filter: string, given: unknown, checks: ParameterChecks, contradictions: () => string[] = () => []): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw parameterError(filter, [`they must be one object, not ${show(given)}.`]);
  }
  const problems = checkEach(given as Readonly<Record<string, unknown>>, checks);
  // A clone would lack them, since it is made from a copy.
  problems.push(...inheritedNames(given, checks).map((name) => `${name} must be a property of the object itself; it is one of its prototype.`));
  if (problems.length === 0) problems.push(...contradictions());
  if (problems.length > 0) throw parameterError(filter, problems);
}

/** The error for parameters that a filter cannot take. */
export function parameterError(filter: string, problems: readonly string[]): PreforkError {
  return new PreforkError('ERR_PREFORK_FILTER', `The parameters of ${filter} cannot be used: ${problems.join(' ')}`);
}

/** The error for a record that a filter cannot send. */
export function recordError(filter: string, record: unknown, expected: string): PreforkError {
  return new PreforkError('ERR_PREFORK_FILTER', `${filter} cannot send ${showRefused(record)}; it takes ${expected}.`);
}

/** The bytes of a record that is a string (UTF-8) or bytes, without a copy. */
export function outputBytes(filter: string, record: unknown): Buffer {
  if (typeof record === 'string') return Buffer.from(record);
  if (record instanceof Uint8Array) return Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  throw recordError(filter, record, 'Buffers and strings');
}

/** The error for input that comes while too much of the earlier input still waits. */
export function bufferFull(filter: string, waiting: number): PreforkError {
  return new PreforkError(
    'ERR_PREFORK_BUFFER_FULL',
    `${filter} still holds ${waiting} bytes, more than MaxBuffer; take the records (get_one) before adding input.`,
  );
}

/** Exact bytes. */
export const literal: Check = expect((value) => typeof value === 'string' || value instanceof Uint8Array, 'a string or a Buffer');
/** A regular expression. */
export const regexp: Check = expect((value) => value instanceof RegExp, 'a RegExp');
