import { isThenable } from '../checks.js';
import { asError } from '../errors.js';
import type { Logger } from '../options/options.js';
import { inWords, type PoolObserver } from '../pool-event.js';

/**
 * Writes the pool's events to a logger, as (object, message): the object has the event's name, the server's Alias and
 * what the event carries, an error under `err`, as pino and bunyan expect it. The process that the event is about is
 * `worker` or `successor`: loggers themselves write a `pid`, that of the process in which they run.
 */
export function logTo(logger: Logger, alias: string): PoolObserver {
  const isConsole = logger === globalThis.console;
  forgiveStreams();
  let lost = 0;
  let hasFailed = false;
  return (event) => {
    const words = inWords(event);
    if (words === undefined) return;
    const { level, text } = words;
    if (isConsole && isUnread(level)) {
      lost += 1;
      return;
    }
    if (lost > 0) {
      const count = lost;
      lost = 0;
      write(level === 'debug' ? 'info' : level, { server: alias, event: 'lost', lost: count }, `${count} events before this one were not logged: nothing read this program's output.`);
    }
    const about = event.name === 'upgrade:done' ? 'successor' : 'worker';
    const fields = { server: alias, event: event.name, ...fieldsOf(event.detail, about) };
    write(level, fields, text);
  };

  function write(level: Level, fields: object, text: string): void {
    try {
      const written: unknown = logger[level]?.(fields, text);
      if (isThenable(written)) Promise.resolve(written).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** A failed log, such as one whose writing thread has ended, must not end the pool: it is reported once. */
  function failed(thrown: unknown): void {
    if (hasFailed) return;
    hasFailed = true;
    process.emitWarning(`The Logger of ${alias} failed, and what it does not write is lost: ${asError(thrown).message}`, { code: 'PREFORK_LOGGER' });
  }
}

type Level = keyof Logger;

const ignore = (): void => undefined;

/** Bytes of its output that may wait for a reader. */
const MOST_WAITING = 1024 * 1024;

/**
 * Whether `console` would only add to output that nothing reads. On a pipe Node keeps all of it in the memory of this
 * process, which runs the pool and must not grow with a log that is stuck.
 */
function isUnread(level: 'debug' | 'info' | 'warn' | 'error'): boolean {
  const stream = level === 'warn' || level === 'error' ? process.stderr : process.stdout;
  return stream.writableLength > MOST_WAITING;
}

/**
 * Any logger may write to the standard streams. `console` is meant to ignore what it cannot write, but with two lines in one turn
 * Node lets the EPIPE of the second through, which would end the master; so would that of a logger which writes to them itself.
 */
function forgiveStreams(): void {
  for (const stream of [process.stdout, process.stderr]) if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
}

function fieldsOf(detail: unknown, about: 'successor' | 'worker'): object {
  if (detail instanceof Error) return { err: detail };
  if (typeof detail !== 'object' || detail === null) return { address: detail };
  const { error: err, pid, ...fields } = detail as { readonly error?: unknown; readonly pid?: number };
  return { ...(pid !== undefined && { [about]: pid }), ...fields, ...(err !== undefined && { err }) };
}
