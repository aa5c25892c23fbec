import { callback, checkEach, expect, isNumber, isObject, nearestName, show, text, texts, withInherited, type Check } from './checks.js';
import { PreforkError } from './errors.js';
import { outlived } from './outlived.js';
import type { ServerEvents } from './server-events.js';

/** How long `shutdown` lets clients finish. */
export interface ShutdownOptions {
  /** Seconds; 0 = end them now. Default GraceExpireTime. */
  readonly grace?: number | undefined;
}

/** @throws PreforkError ERR_PREFORK_STATE for what is not a number of workers */
export function checkCount(call: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new PreforkError('ERR_PREFORK_STATE', `${call}() was given ${show(value)}; it takes a number of workers.`);
  }
}

const isSeconds = (value: unknown): value is number => isNumber(value) && value >= 0;
const seconds = expect(isSeconds, 'a number of seconds');

/** The calls that take options, and what each of these may be. */
const OPTIONS: Readonly<Record<'reload' | 'upgrade' | 'shutdown' | 'ask' | 'waitUntil', Readonly<Record<string, Check>>>> = {
  reload: { settle: expect((value) => isSeconds(value) && value < Infinity, 'a finite number of seconds'), check: callback, timeout: seconds },
  upgrade: { timeout: expect((value) => isSeconds(value) && value > 0, 'a number of seconds above 0'), execPath: text, execArgv: texts, args: texts },
  shutdown: { grace: seconds },
  ask: { timeout: seconds },
  // Not by its class: simulated environments have their own.
  waitUntil: { signal: expect((value) => typeof value === 'object' && typeof (value as AbortSignal | null)?.throwIfAborted === 'function', 'an AbortSignal') },
};

/** Called before anything is begun, since an option with a wrong name would be ignored. @throws PreforkError ERR_PREFORK_STATE with all that is wrong */
export function checkOptions<Given extends object>(call: keyof typeof OPTIONS, given: Given): Given {
  // As a listener for a signal, it gets the signal's name and number.
  if (call === 'shutdown' && typeof given === 'string') return given;
  const options: Readonly<Record<string, unknown>> = isObject(given) ? withInherited(given, OPTIONS[call]) : {};
  const problems = isObject(given) ? checkEach(options, OPTIONS[call]) : [`they must be one object, not ${show(given)}.`];
  if (problems.length > 0) throw new PreforkError('ERR_PREFORK_STATE', `The options of ${call}() cannot be used: ${problems.join(' ')}`);
  return options as Given;
}

/** @returns the signal of a wait for a status @throws PreforkError ERR_PREFORK_STATE with all that is wrong */
export function checkWait(predicate: unknown, options: { readonly signal?: AbortSignal | undefined }): AbortSignal | undefined {
  const problem = callback(predicate);
  if (problem !== undefined) throw new PreforkError('ERR_PREFORK_STATE', `waitUntil() was given ${show(predicate)} as its predicate, which ${problem}.`);
  return checkOptions('waitUntil', options).signal;
}

/** The events: a record, so that the compiler demands each one. */
const EVENTS: Readonly<Record<keyof ServerEvents, true>> = {
  listening: true, error: true, status: true, message: true,
  'worker:born': true, 'worker:ready': true, 'worker:drain': true, 'worker:exit': true, 'worker:error': true, 'worker:hung': true, 'worker:message': true,
  'reload:start': true, 'reload:canary': true, 'reload:done': true, 'reload:failed': true, 'upgrade:done': true, 'upgrade:failed': true,
};

/** A listener of an event that does not exist would wait in vain. @throws PreforkError ERR_PREFORK_STATE */
export function checkedEvent(call: 'on' | 'once' | 'off', name: unknown, listener: unknown): string {
  if (typeof name !== 'string' || !Object.hasOwn(EVENTS, name)) {
    const nearest = nearestName(String(name), Object.keys(EVENTS));
    throw new PreforkError('ERR_PREFORK_STATE', `${call}() was given ${show(name)}, which is not an event${nearest === undefined ? `; there are ${Object.keys(EVENTS).join(', ')}.` : `; did you mean ${nearest}?`}`);
  }
  if (typeof listener === 'function') return name;
  throw new PreforkError('ERR_PREFORK_STATE', `${call}('${name}') was given ${show(listener)} as its listener; it takes a function.`);
}

/** Makes a call of the master, or refuses its options: a refusal that the program does not handle is a warning and does not end it. */
export async function withOptions<Given extends object, Result>(call: keyof typeof OPTIONS, given: Given, run: (options: Given) => Promise<Result>): Promise<Result> {
  const check = async (): Promise<Given> => Promise.resolve(checkOptions(call, given));
  return run(await outlived(check(), (error) => { process.emitWarning(error); }));
}

/** The error of a call that works in the master only, made in another process. */
export function notInMaster(call: string, isWorker: boolean): PreforkError {
  const role = isWorker ? 'a worker' : 'an inert copy in a worker of another server';
  return new PreforkError('ERR_PREFORK_STATE', `${call}() works in the master only, and this is ${role}; ask server.isMaster first.`);
}

/** The process of a call: its worker, and its master, or why there is none. */
interface Called<Host> {
  readonly worker: { readonly hasServed: boolean; failed(error: Error, where: string): void } | undefined;
  /** @throws PreforkError ERR_PREFORK_STATE outside the master */
  readonly master: (call: string) => Host;
}

/**
 * Makes a call that only the master has. In a worker it is a mistake of the program's, which often does not handle the
 * failure either (in a timer, or a listener for a signal): it is reported, and does not end the worker with its clients.
 */
export async function inMaster<Host, Result>({ worker, master }: Called<Host>, call: string, run: (host: Host) => Promise<Result>): Promise<Result> {
  const attempt = async (): Promise<Result> => run(master(call));
  if (worker === undefined) return attempt();
  return outlived(attempt(), (error) => { worker.failed(error, `${call}()`); }, () => worker.hasServed);
}
