import { isThenable, showRefused } from '../checks.js';
import { PreforkError } from '../errors.js';
import { EMPTY } from './byte-queue.js';
import { isFilter } from './construct.js';
import type { Handover, Layer } from './filter.js';
import { outputBytes } from './parameters.js';
import { joinViews } from './view.js';

/** Calls of the filters in a stack, which may be the user's own and return anything. */

/** Takes the next record of a filter. */
export function takeRecord(layer: Layer): [] | [unknown] {
  const one: unknown = layer.get_one();
  if (Array.isArray(one)) return one as [] | [unknown];
  throw badLayer(layer, 'get_one', one, AN_ARRAY);
}

/** Gives records to a filter. */
export function feed(layer: Layer, records: readonly unknown[]): void {
  const fed: { get_one_start(records: readonly unknown[]): unknown } = layer;
  const given = fed.get_one_start(records);
  if (isThenable(given)) throw badLayer(layer, 'get_one_start', given, 'nothing');
}

export function putThrough(layer: Layer, records: readonly unknown[]): readonly unknown[] {
  const sent: unknown = layer.put(records);
  if (Array.isArray(sent)) return sent;
  throw badLayer(layer, 'put', sent, AN_ARRAY);
}

/**
 * What the lowest of some filters sends for records of the highest one, and for what each filter holds.
 *
 * @param held - for each filter, the lowest first
 */
export function sentDown(layers: readonly Layer[], held: readonly (readonly unknown[])[], records: readonly unknown[] = []): readonly unknown[] {
  return layers.reduceRight((above, layer, level) => [
    // A clone, because what a filter keeps back in `put` belongs to the output.
    ...above.length === 0 ? [] : putThrough(cloneOf(layer), above),
    ...held[level] ?? [],
  ], records);
}

export function pendingOf(layer: Layer): readonly unknown[] {
  const pending: unknown = layer.get_pending();
  if (pending === undefined) return [];
  if (Array.isArray(pending)) return pending;
  throw badLayer(layer, 'get_pending', pending, `${AN_ARRAY} or undefined`);
}

/** What a filter gives up, or, if it cannot, what it holds. */
export function handedOver(layer: Layer): Handover<unknown> {
  if (layer.hand_over === undefined) return { pending: pendingOf(layer) };
  const given: unknown = layer.hand_over();
  if (Array.isArray((given as Partial<Handover> | undefined)?.pending)) return given as Handover<unknown>;
  throw badLayer(layer, 'hand_over', given, '{ pending: [] }');
}

export function cloneOf(layer: Layer): Layer {
  const made: unknown = layer.clone();
  if (isFilter(made)) return made;
  throw badLayer(layer, 'clone', made, 'a filter');
}

/** The bytes of what the lowest filter has made. */
export function joined(...parts: readonly (readonly unknown[])[]): Buffer {
  const [bytes = EMPTY] = joinViews(parts.flat().map((one) => outputBytes('StackableFilter', one)));
  return bytes;
}

const AN_ARRAY = 'an array';
const badLayer = (layer: Layer, method: string, given: unknown, expected: string): PreforkError => new PreforkError(
  'ERR_PREFORK_FILTER', `${method} of ${layer.constructor.name}, a filter in a stack, gave ${showRefused(given)}; it must give ${expected}.`,
);
