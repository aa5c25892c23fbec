import type { AnyFilter } from './filter.js';

/** A filter that can be made with parameters. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each filter's constructor names its own parameters, and only `any` fits them all
export type FilterClass<F = AnyFilter> = new (parameters?: any) => F;

/** What a filter must have. */
export const METHODS = ['get_one_start', 'get_one', 'get', 'put', 'get_pending', 'clone'] as const;

/**
 * Turns a class, `[class, parameters]` or an instance into a function that makes a fresh filter; undefined if it is none of
 * these. Whether it really makes a filter shows only when it is called.
 */
export function factoryOf(spec: unknown): (() => AnyFilter) | undefined {
  if (typeof spec === 'function') return construct(spec);
  if (isFilter(spec)) return () => spec.clone();
  if (!Array.isArray(spec) || spec.length < 1 || spec.length > 2) return undefined;
  const [filter, parameters] = spec as readonly unknown[];
  return typeof filter === 'function' ? construct(filter, parameters) : undefined;
}

function construct(filter: unknown, parameters?: unknown): () => AnyFilter {
  const Filter = filter as FilterClass;
  return () => new Filter(parameters);
}

/** Whether a value has the methods of a filter. */
export function isFilter(value: unknown): value is AnyFilter {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Readonly<Record<string, unknown>>;
  return METHODS.every((method) => typeof candidate[method] === 'function');
}
