import { PreforkError, asError } from '../errors.js';

/**
 * A message of the user's own as the text that crosses the channel. Made during the call: Node may queue a message and convert
 * it to text later, when an error would end the process.
 *
 * @throws PreforkError ERR_PREFORK_MESSAGE if JSON cannot carry it
 */
export function toText(message: unknown, call: string): string {
  let text: unknown;
  try {
    text = JSON.stringify(message);
  } catch (error) {
    throw new PreforkError('ERR_PREFORK_MESSAGE', `${call} was given a message that JSON cannot carry: ${asError(error).message}`, { cause: error });
  }
  if (typeof text !== 'string') throw new PreforkError('ERR_PREFORK_MESSAGE', `${call} was given a message of which JSON makes nothing (undefined, a function, a symbol, or a toJSON that returns one).`);
  return text;
}

/** The message in a text. */
export const fromText = (text: string): unknown => JSON.parse(text);
