import { show } from './checks.js';
import { PreforkError } from './errors.js';

/** How long `shutdown` lets clients finish. */
export interface ShutdownOptions {
  /** Seconds; 0 = end them now. Default GraceExpireTime. */
  readonly grace?: number | undefined;
}

/** @throws PreforkError ERR_PREFORK_STATE for what is no number of workers */
export function checkCount(call: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw refusal(call, show(value), 'a number of workers');
}

/** Takes undefined, too: the default. @throws PreforkError ERR_PREFORK_STATE for what is no number of seconds */
export function checkSeconds(call: string, what: string, value: number | undefined, longest?: number): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= (longest ?? Infinity))) return;
  throw refusal(call, `${what} of ${show(value)}`, 'a number of seconds');
}

/** The error of a call that works in the master, in another process. */
export function notInMaster(call: string, isWorker: boolean): PreforkError {
  const role = isWorker ? 'a worker' : 'an inert copy in a worker of another server';
  return new PreforkError('ERR_PREFORK_STATE', `${call}() works in the master only, and this is ${role}; ask server.isMaster first.`);
}

const refusal = (call: string, given: string, wanted: string): PreforkError => (
  new PreforkError('ERR_PREFORK_STATE', `${call}() was given ${given}; it takes ${wanted}.`)
);
