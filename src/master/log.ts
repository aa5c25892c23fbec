import type { Logger } from '../options/options.js';
import { inWords, type PoolObserver } from '../pool-event.js';

/**
 * Writes the pool's events to a logger, as (object, message): the object has the event's name, the server's Alias and
 * what the event carries, an error under `err`, as pino and bunyan expect it.
 */
export function logTo(logger: Logger, alias: string): PoolObserver {
  return (event) => {
    const words = inWords(event);
    if (words === undefined) return;
    const { level, text } = words;
    const fields = { server: alias, event: event.name, ...fieldsOf(event.detail) };
    if (level === 'debug') logger.debug?.(fields, text);
    else logger[level](fields, text);
  };
}

function fieldsOf(detail: unknown): object {
  if (detail instanceof Error) return { err: detail };
  if (typeof detail !== 'object' || detail === null) return { address: detail };
  const { error: err, ...fields } = detail as { readonly error?: unknown };
  return err === undefined ? fields : { ...fields, err };
}
