import type { Buffer } from 'node:buffer';
import { PreforkError } from '../errors.js';
import { nearestName, show } from '../checks.js';
import { BlockFilter } from './block.js';
import { CodecFilter } from './codec.js';
import { factoryOf, isFilter, METHODS, type FilterClass } from './construct.js';
import type { AnyFilter } from './filter.js';
import { FrameFilter } from './frame.js';
import { GrepFilter } from './grep.js';
import { HttpdFilter } from './httpd/httpd.js';
import { LineFilter } from './line.js';
import { MapFilter } from './map.js';
import { RecordBlockFilter } from './record-block.js';
import { ReferenceFilter } from './reference.js';
import { StackableFilter } from './stackable.js';
import { StreamFilter } from './stream.js';

/**
 * What `ClientFilter` and the like take: a class, `[class, parameters]`, an instance, which is cloned for every client, or
 * a name: 'Line' or 'POE::Filter::Line', 'Block', 'Frame', 'Codec', 'Stream', 'RecordBlock', 'Map', 'Grep', 'Stackable',
 * 'Reference', 'HTTPD'.
 */
export type FilterSpec<F extends AnyFilter | FilterName = AnyFilter, Given = unknown> =
  FilterClass<F> | readonly [FilterClass<F>, Given?] | F | string;

/** The filters that can be chosen by name. */
export interface NamedFilters {
  /** 'Line' or 'POE::Filter::Line'. */
  readonly Line: LineFilter;
  /** 'Block' or 'POE::Filter::Block'. */
  readonly Block: BlockFilter;
  /** 'Frame' or 'POE::Filter::Frame'. */
  readonly Frame: FrameFilter;
  /** 'Codec' or 'POE::Filter::Codec'. */
  readonly Codec: CodecFilter<unknown>;
  /** 'Stream' or 'POE::Filter::Stream'. */
  readonly Stream: StreamFilter;
  /** 'RecordBlock' or 'POE::Filter::RecordBlock'. */
  readonly RecordBlock: RecordBlockFilter;
  /** 'Map' or 'POE::Filter::Map'. */
  readonly Map: MapFilter;
  /** 'Grep' or 'POE::Filter::Grep'. */
  readonly Grep: GrepFilter;
  /** 'Stackable' or 'POE::Filter::Stackable'. */
  readonly Stackable: StackableFilter;
  /** 'Reference' or 'POE::Filter::Reference'. */
  readonly Reference: ReferenceFilter;
  /** 'HTTPD' or 'POE::Filter::HTTPD'. */
  readonly HTTPD: HttpdFilter;
}

/** A name of a filter, short or in full: 'Line', 'POE::Filter::Line'. */
export type FilterName = keyof NamedFilters | `POE::Filter::${keyof NamedFilters}`;

/** The filter that a name stands for; any filter stands for itself. */
export type FilterNamed<F> = F extends keyof NamedFilters ? NamedFilters[F]
  : F extends `POE::Filter::${infer Name extends keyof NamedFilters}` ? NamedFilters[Name] : F;

const BY_NAME = new Map<string, FilterClass>([
  ['Line', LineFilter],
  ['Block', BlockFilter],
  ['Frame', FrameFilter],
  ['Codec', CodecFilter],
  ['Stream', StreamFilter],
  ['RecordBlock', RecordBlockFilter<Buffer>],
  ['Map', MapFilter<Buffer>],
  ['Grep', GrepFilter<Buffer>],
  ['Stackable', StackableFilter],
  ['Reference', ReferenceFilter],
  ['HTTPD', HttpdFilter],
]);

// Bundlers call a class that refers to itself _LineFilter; users see the name in errors, and when they print a filter.
for (const filter of BY_NAME.values()) Object.defineProperty(filter, 'name', { value: filter.name.replace(/^_/, '') });

/**
 * Turns what a user gave as a filter into a function that makes a fresh one for each client. The first is made at once,
 * to find wrong parameters before a client does.
 *
 * @throws PreforkError ERR_PREFORK_FILTER if it is not a filter, or if its parameters cannot be used
 */
export function resolveFilter(spec: FilterSpec): () => AnyFilter {
  const create = factoryOfNamed(spec);
  if (create === undefined) throw notAFilter(show(spec), '');
  const first: unknown = made(spec, create);
  if (!isFilter(first)) throw notAFilter(`${show(spec)}: it makes ${show(first)}`, ` A filter has the methods ${METHODS.join(', ')}.`);
  return create;
}

// The caller may be JavaScript, so nothing is taken for granted.
function factoryOfNamed(spec: unknown): (() => AnyFilter) | undefined {
  if (typeof spec === 'string') return factoryOf(named(spec));
  if (!Array.isArray(spec)) return factoryOf(spec);
  const [filter, ...parameters] = spec as readonly unknown[];
  return factoryOf([typeof filter === 'string' ? named(filter) : filter, ...parameters]);
}

/** Makes the first filter: if it is not really a class, that shows now. */
function made(spec: unknown, create: () => unknown): unknown {
  try {
    return create();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw notAFilter(`${show(spec)}, which cannot be constructed (${error.message}),`, '', error);
  }
}

function named(name: string): FilterClass {
  const short = name.replace(/^POE::Filter::/, '');
  const filter = BY_NAME.get(short);
  if (filter !== undefined) return filter;
  const nearest = nearestName(short, [...BY_NAME.keys()]);
  throw notAFilter(show(name), nearest === undefined ? '' : ` Did you mean '${nearest}'?`);
}

function notAFilter(given: string, more: string, cause?: unknown): PreforkError {
  return new PreforkError(
    'ERR_PREFORK_FILTER',
    `A filter must be a class, [class, parameters], an instance or one of the names ${[...BY_NAME.keys()].join(', ')}, not ${given}.${more}`,
    cause === undefined ? undefined : { cause },
  );
}
