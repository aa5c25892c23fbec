import { PreforkError } from '../errors.js';
import { list, show } from '../checks.js';
import { BaseFilter } from './base-filter.js';
import { EMPTY } from './byte-queue.js';
import { factoryOf, isFilter } from './construct.js';
import { budgetOf, endless, MOST_EXPANSION } from './endless.js';
import type { Chunk, Handover, Layer } from './filter.js';
import { cloneOf, feed, handedOver, joined, pendingOf, putThrough, sentDown, takeRecord } from './layers.js';
import { checkParameters, outputBytes, parameterError } from './parameters.js';
import { mustStop } from './skips.js';
import { StackEnd } from './stack-end.js';

/** A class of filters for a stack. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each filter's constructor names its own parameters, and only `any` fits them all
export type LayerClass = new (parameters: any) => Layer;

/** What a stack is made of: a class, `[class, parameters]`, or an instance. */
export type LayerSpec = LayerClass | readonly [LayerClass, unknown?] | Layer;

/** How the last filter of a stack can be given, which decides the records of the stack. */
export type TopLayer<In, Out> = TypedLayer<In, Out> | LayerClassOf<In, Out> | readonly [LayerClassOf<In, Out>, unknown?];
type TypedLayer<In, Out> = Layer & { get_one(): [] | [In]; put(records: readonly Out[]): unknown[] };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as LayerClass
type LayerClassOf<In, Out> = new (parameters: any) => TypedLayer<In, Out>;

/** Parameters of {@link StackableFilter}. */
export interface StackableParameters<In = unknown, Out = In> {
  /** The filters, the one nearest to the socket first. Instances are cloned, so that two stacks never share one. Default none. */
  readonly Filters?: readonly [...LayerSpec[], TopLayer<In, Out>] | readonly LayerSpec[] | undefined;
}

/**
 * Filters on top of each other: the first takes bytes, each of the others takes the records of the one below it, and the
 * records of the last are the stack's. `put` goes the other way; what comes out at the bottom must be bytes or strings
 * (UTF-8). A record is taken from below only when it is needed, so a filter holds no more than it would alone. Without
 * filters it can neither take nor put, and throws ERR_PREFORK_STATE.
 *
 * `get_pending` hands on everything that is not part of a record yet, as bytes: what a filter holds goes back down through
 * `put` of the filters below it, ahead of what they hold. So it comes in the form in which they send it (a line with
 * OutputLiteral), and only what they can send can be handed on: a filter that refuses it throws.
 *
 * @typeParam In - records of the last filter
 * @typeParam Out - what `put` of the last filter takes
 */
export class StackableFilter<In = unknown, Out = In> extends BaseFilter<In, Out> {
  #layers: Layer[];
  /** How many records of lower filters may be taken before there is more input. */
  #left = MOST_EXPANSION;

  /** @throws PreforkError ERR_PREFORK_FILTER if one of Filters is not a filter */
  constructor(parameters: StackableParameters<In, Out> = {}) {
    super();
    checkParameters('StackableFilter', parameters, { Filters: list });
    this.#layers = (parameters.Filters ?? []).map((spec) => layerOf(spec, factoryOf(spec)?.()));
  }

  get_one_start(chunks: readonly Chunk[]): void {
    this.#left = budgetOf(chunks, this.#left);
    feed(this.#bottom(), chunks);
  }

  protected override cut(): [] | [In] {
    this.#bottom();
    return this.#pull(this.#layers.length - 1) as [] | [In];
  }

  /** @throws PreforkError ERR_PREFORK_FILTER if the lowest filter makes something that is neither bytes nor a string */
  put(records: readonly Out[]): Buffer[] {
    this.#bottom();
    const sent = this.#layers.reduceRight<readonly unknown[]>((above, layer) => putThrough(layer, above), records);
    return sent.map((bytes) => outputBytes('StackableFilter', bytes));
  }

  get_pending(): undefined | [Buffer] {
    const [lowest] = this.#layers;
    const bytes = joined(this.#heldAbove(), lowest === undefined ? [] : pendingOf(lowest));
    return bytes.length === 0 ? undefined : [bytes];
  }

  override hand_over(): Handover {
    // First, because a filter that refuses to send what another holds throws, and then nothing may be lost.
    const above = this.#heldAbove();
    const left = this.#layers.map(handedOver);
    const end = this.#endIn(left);
    this.forget();
    if (end === undefined) return handover(joined(above, left[0]?.pending ?? []), left[0]?.rest);
    const { from, stackEnd } = end;
    const before = joined(sentDown(this.#layers, left.map(({ pending }, level) => (level < from ? [] : pending))));
    // What the filters below hold has come after the record.
    const now = stackEnd.take(EMPTY);
    return handover(now === undefined ? before : joined([before, now]), now === undefined ? (input) => stackEnd.take(input) : undefined);
  }

  /** What the filters above the lowest one hold, as that one sends it. */
  #heldAbove(): readonly unknown[] {
    return sentDown(this.#layers, this.#layers.map((layer, level) => (level === 0 ? [] : pendingOf(layer))));
  }

  /** The end of the last record, if a filter above the lowest one knows about it, and which one does. */
  #endIn(left: readonly Handover<unknown>[]): { readonly from: number; readonly stackEnd: StackEnd } | undefined {
    const from = left.findLastIndex(({ rest }) => rest !== undefined);
    if (from < 1) return undefined;
    const below = this.#layers.slice(0, from).map((layer, level) => {
      const clone = cloneOf(layer);
      const { pending } = left[level] ?? { pending: [] };
      if (pending.length > 0) feed(clone, pending);
      return clone;
    });
    return { from, stackEnd: new StackEnd(below, left.slice(0, from + 1).map(({ rest }) => rest)) };
  }

  protected override forget(): void {
    // A filter that cannot give up its input is replaced by a clone.
    this.#layers = this.#layers.map((layer) => (layer.hand_over === undefined ? cloneOf(layer) : layer));
  }

  clone(): StackableFilter<In, Out> {
    return new StackableFilter<In, Out>({ Filters: this.#layers });
  }

  /**
   * Adds filters at the top, in order: the last becomes the top of the stack. An instance is used as it is.
   *
   * @returns how many filters there are now
   * @throws PreforkError ERR_PREFORK_FILTER if one of them is not a filter
   */
  push(...filters: LayerSpec[]): number {
    return this.#layers.push(...filters.map(ownLayer));
  }

  /** Removes the filter at the top, with what it holds. */
  pop(): Layer | undefined {
    return this.#layers.pop();
  }

  /** Removes the filter nearest to the socket, with what it holds. */
  shift(): Layer | undefined {
    return this.#layers.shift();
  }

  /**
   * Adds filters between the socket and the rest; the first is nearest to the socket. An instance is used as it is. What is
   * already in the stack does not pass them.
   *
   * @returns how many filters there are now
   * @throws PreforkError ERR_PREFORK_FILTER if one of them is not a filter
   */
  unshift(...filters: LayerSpec[]): number {
    return this.#layers.unshift(...filters.map(ownLayer));
  }

  /** The filters, the one nearest to the socket first. */
  filters(): Layer[] {
    return [...this.#layers];
  }

  /** The names of the filters' classes, the one nearest to the socket first. */
  filter_types(): string[] {
    return this.#layers.map((layer) => layer.constructor.name);
  }

  #bottom(): Layer {
    const [bottom] = this.#layers;
    if (bottom === undefined) throw new PreforkError('ERR_PREFORK_STATE', 'The stack has no filters; give Filters or push one first.');
    return bottom;
  }

  /** Takes one record from the filter at a level, which takes as many from below as it needs for that. */
  #pull(level: number): [] | [unknown] {
    const layer = this.#layers[level];
    if (layer === undefined) return [];
    let hasFed = false;
    for (;;) {
      const one = takeRecord(layer);
      if (one.length > 0) return one;
      if (hasFed && mustStop()) return [];
      const below = this.#pull(level - 1);
      if (below.length === 0) return [];
      // The layer may let none of them pass: without this, that would never end.
      if (--this.#left < 0) throw endless(`a filter below ${layer.constructor.name} in a stack`);
      feed(layer, below);
      hasFed = true;
    }
  }
}

const handover = (bytes: Buffer, rest: Handover['rest']): Handover => ({ pending: bytes.length === 0 ? [] : [bytes], rest });

function ownLayer(spec: LayerSpec): Layer {
  return layerOf(spec, isFilter(spec) ? spec : factoryOf(spec)?.());
}

function layerOf(spec: unknown, made: unknown): Layer {
  if (isFilter(made)) return made;
  throw parameterError('StackableFilter', [`a filter of a stack must be a class, [class, parameters] or an instance, not ${show(spec)}.`]);
}
