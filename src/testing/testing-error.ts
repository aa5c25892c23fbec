import { show, type Check } from '../checks.js';
import { PreforkError } from '../errors.js';

/** Something in a test that is impossible, or did not come in time. */
export const testingError = (message: string, cause?: unknown): PreforkError => (
  new PreforkError('ERR_PREFORK_TESTING', message, cause === undefined ? undefined : { cause })
);

/** @throws PreforkError ERR_PREFORK_TESTING for an argument of a call that it cannot take */
export function checkGiven(call: string, name: string, value: unknown, check: Check): void {
  const problem = check(value);
  if (problem !== undefined) throw testingError(`${call}(): ${name} ${problem}, not ${show(value)}.`);
}
