import type { Logger } from '../options/options.js';
import { inWords, type PoolObserver } from '../pool-event.js';

/**
 * Writes the pool's events to a logger, as (object, message): the object has the event's name, the server's Alias and
 * what the event carries, an error under `err`, as pino and bunyan expect it. A process that the event is about is its
 * `worker` or `successor`: loggers write `pid` themselves, of the process that they run in.
 */
export function logTo(logger: Logger, alias: string): PoolObserver {
  if (logger === globalThis.console) forgiveStreams();
  return (event) => {
    const words = inWords(event);
    if (words === undefined) return;
    const { level, text } = words;
    const about = event.name === 'upgrade:done' ? 'successor' : 'worker';
    const fields = { server: alias, event: event.name, ...fieldsOf(event.detail, about) };
    if (level === 'debug') logger.debug?.(fields, text);
    else logger[level](fields, text);
  };
}

const ignore = (): void => undefined;

/**
 * `console` is meant to ignore what it cannot write, but of two lines in one turn Node lets the second one's EPIPE through, which would
 * end the master.
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
