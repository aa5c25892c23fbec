import { resolveChange, type ResolvedOptions } from '../options/resolve.js';

/** The options of a running server: first as given, then as `configure()` and reloads have changed them. */
export class OptionsInForce {
  /** Names of options that `configure()` has changed. */
  readonly configured: ReadonlySet<string>;
  readonly #names = new Set<string>();
  readonly #changed: (options: ResolvedOptions) => void;
  #current: ResolvedOptions;

  constructor(given: ResolvedOptions, changed: (options: ResolvedOptions) => void) {
    this.#current = given;
    this.#changed = changed;
    this.configured = this.#names;
  }

  get current(): ResolvedOptions { return this.#current; }

  /** @throws PreforkError ERR_PREFORK_OPTION; then nothing has changed */
  configure(change: unknown): void {
    this.set(resolveChange(this.#current, change));
    for (const name of Object.keys(change as object)) this.#names.add(name);
  }

  /** Changes them to those of a release. */
  set(options: ResolvedOptions): void {
    this.#current = options;
    this.#changed(options);
  }
}
