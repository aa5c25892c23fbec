import { callback, checkEach, expect, isNumber, isObject, show, text, texts, type Check } from './checks.js';
import { PreforkError } from './errors.js';

/** How long `shutdown` lets clients finish. */
export interface ShutdownOptions {
  /** Seconds; 0 = end them now. Default GraceExpireTime. */
  readonly grace?: number | undefined;
}

/** @throws PreforkError ERR_PREFORK_STATE for what is no number of workers */
export function checkCount(call: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new PreforkError('ERR_PREFORK_STATE', `${call}() was given ${show(value)}; it takes a number of workers.`);
  }
}

const isSeconds = (value: unknown): value is number => isNumber(value) && value >= 0;
const seconds = expect(isSeconds, 'a number of seconds');

/** The calls that take options, and what each of these may be. */
const OPTIONS: Readonly<Record<'reload' | 'upgrade' | 'shutdown' | 'ask', Readonly<Record<string, Check>>>> = {
  reload: { settle: expect((value) => isSeconds(value) && value < Infinity, 'a finite number of seconds'), check: callback, timeout: seconds },
  upgrade: { timeout: expect((value) => isSeconds(value) && value > 0, 'a number of seconds above 0'), execPath: text, execArgv: texts, args: texts },
  shutdown: { grace: seconds },
  ask: { timeout: seconds },
};

/** Before anything is begun: an option of another name would be taken for none. @throws PreforkError ERR_PREFORK_STATE with all that is wrong */
export function checkOptions(call: keyof typeof OPTIONS, given: object): void {
  // As a listener of a signal it gets the signal's name and number.
  if (call === 'shutdown' && typeof given === 'string') return;
  const problems = isObject(given) ? checkEach(given, OPTIONS[call]) : [`they must be one object, not ${show(given)}.`];
  if (problems.length > 0) throw new PreforkError('ERR_PREFORK_STATE', `The options of ${call}() cannot be used: ${problems.join(' ')}`);
}

/** The error of a call that works in the master, in another process. */
export function notInMaster(call: string, isWorker: boolean): PreforkError {
  const role = isWorker ? 'a worker' : 'an inert copy in a worker of another server';
  return new PreforkError('ERR_PREFORK_STATE', `${call}() works in the master only, and this is ${role}; ask server.isMaster first.`);
}
