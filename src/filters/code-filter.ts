import { callback } from '../checks.js';
import { BaseFilter } from './base-filter.js';
import { checkParameters, parameterError } from './parameters.js';
import { RecordQueue } from './record-queue.js';

/** What {@link MapFilter} and {@link GrepFilter} do in each direction. */
interface Directions<Get, Put> {
  readonly get: Get;
  readonly put: Put;
}

/** Parameters of a filter that is made of the user's code. */
interface CodeParameters<Get, Put, Both extends Get & Put> {
  readonly Code?: Both | undefined;
  readonly Get?: Get | undefined;
  readonly Put?: Put | undefined;
}

/** What Map and Grep share: records of the filter below, and one function for each direction. */
export abstract class CodeFilter<In, Below, Get, Put, Both extends Get & Put> extends BaseFilter<In, In, Below, Below> {
  protected readonly waiting: RecordQueue<Below> = new RecordQueue<Below>();
  protected directions: Directions<Get, Put>;
  readonly #name: string;

  constructor(name: string, parameters: CodeParameters<Get, Put, Both>) {
    super();
    this.#name = name;
    checkParameters(name, parameters, CHECKS, () => contradictions(parameters));
    const { Code, Get: get = Code, Put: put = Code } = (parameters as CodeParameters<Get, Put, Both> | undefined) ?? {};
    if (get === undefined || put === undefined) throw parameterError(name, ['they must have Code, or both Get and Put.']);
    this.directions = { get, put };
  }

  get_one_start(records: readonly Below[]): void {
    this.waiting.push(records);
  }

  protected override forget(): void {
    this.waiting.clear();
  }

  /** Replaces the callback of one direction (Get or Put) or of both (Code), from the next record on. */
  modify(parameters: CodeParameters<Get, Put, Both>): void {
    checkParameters(this.#name, parameters, CHECKS, () => contradictions(parameters));
    const { get, put } = this.directions;
    this.directions = { get: parameters.Code ?? parameters.Get ?? get, put: parameters.Code ?? parameters.Put ?? put };
  }
}

const CHECKS = { Code: callback, Get: callback, Put: callback };

function contradictions({ Code, Get, Put }: CodeParameters<unknown, unknown, unknown>): string[] {
  return Code !== undefined && (Get !== undefined || Put !== undefined) ? ['Code excludes Get and Put; give the one or the others.'] : [];
}
