import { PreforkError } from '../errors.js';

/** Something in a test that cannot be, or did not come in time. */
export const testingError = (message: string, cause?: unknown): PreforkError => (
  new PreforkError('ERR_PREFORK_TESTING', message, cause === undefined ? undefined : { cause })
);
