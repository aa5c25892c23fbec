import type { Clock } from '../clock.js';
import { compareGiven, type GivenOptions } from '../options/given.js';
import { resolveChange, type ResolvedOptions } from '../options/resolve.js';
import type { LastReload, ServerStatus } from '../status.js';
import type { Emit } from './events.js';
import type { Release } from './release.js';
import { Reloads } from './reload.js';
import type { Adoption } from './reload-host.js';
import { reportWorker } from './status-report.js';
import type { Supervisor } from './supervisor.js';

/** The master, as far as its releases need it. */
export interface ReleasesParts {
  readonly clock: Clock;
  /** Finds where the links lead now. @throws Error if there is nothing */
  readonly pin: (number: number) => Release;
  readonly supervisor: () => Supervisor;
  readonly options: () => ResolvedOptions;
  readonly setOptions: (options: ResolvedOptions) => void;
  /** Names of options that `configure()` has changed: what a script says about them no longer counts. */
  readonly configured: ReadonlySet<string>;
  readonly emit: Emit;
}

/** The releases of a server: which one it runs, and how it changes to another. */
export class Releases {
  readonly reloads: Reloads;
  /** @throws Error if the folder does not exist */
  readonly first: Release;
  readonly #parts: ReleasesParts;
  #last: LastReload | undefined;
  readonly #counts: Record<LastReload['result'], number> = { done: 0, failed: 0 };

  constructor(parts: ReleasesParts) {
    const { clock, pin, supervisor, options, emit } = parts;
    this.#parts = parts;
    this.first = pin(1);
    let startedAt = 0;
    const ended = (result: LastReload['result'], release: number, text?: string): void => {
      this.#counts[result] += 1;
      this.#last = { result, release, at: clock.wallNow(), seconds: (clock.now() - startedAt) / 1000, text };
      emit('status');
    };
    this.reloads = new Reloads({
      clock, pin,
      settleMs: () => options().pool.settleMs,
      bootMs: () => options().pool.bootMs,
      current: () => supervisor().release,
      startTrial: (release, heartbeatMs) => supervisor().startTrial(release, heartbeatMs),
      statusOf: (id) => {
        const record = supervisor().roster.get(id);
        return record && reportWorker(record, clock);
      },
      kill: (id) => { supervisor().killTrial(id); },
      compare: (before, after) => this.#adoption(compareGiven(before ?? this.#unheard(after), after)),
      promote: (release) => { supervisor().promote(release); },
      outdated: () => supervisor().roster.outdated(),
      events: {
        start: ({ number: release, script }) => {
          startedAt = clock.now();
          emit('reload:start', { release, script });
          emit('status');
        },
        canary: ({ number: release, script }, pid, id) => { emit('reload:canary', { release, script, pid, id }); },
        done: (result) => {
          ended('done', result.release);
          emit('reload:done', result);
        },
        failed: (error) => {
          ended('failed', error.release, error.message);
          emit('reload:failed', { release: error.release, error });
        },
      },
    });
  }

  status(current: Release): Pick<ServerStatus, 'release' | 'mixed' | 'reloading' | 'lastReload' | 'reloads'> {
    return { release: current.number, mixed: current.isMixed(), reloading: this.reloads.isRunning, lastReload: this.#last && { ...this.#last }, reloads: { ...this.#counts } };
  }

  /** What a release gave of which no worker ever said so: as this process, whose script is the same or, if it is another one, may leave options out. */
  #unheard(after: GivenOptions): GivenOptions {
    const { given, process: { hasOwnScript } } = this.#parts.options();
    return hasOwnScript ? Object.fromEntries(Object.entries(given).filter(([name]) => name in after)) : given;
  }

  /** @throws PreforkError ERR_PREFORK_OPTION if the pool cannot take what the script changes */
  #adoption({ pool, master }: ReturnType<typeof compareGiven>): Adoption {
    const { options, setOptions, configured } = this.#parts;
    const ours = (change: object): Record<string, unknown> => Object.fromEntries(Object.entries(change).filter(([name]) => !configured.has(name)));
    resolveChange(options(), ours(pool));
    return {
      needsUpgrade: master,
      apply: () => {
        const { thresholds } = options();
        const change = ours(pool);
        const adopted = Object.keys(change);
        setOptions(resolveChange(options(), change));
        const before = Object.fromEntries(adopted.map((name) => [name, thresholds[name as keyof typeof thresholds]]));
        return {
          adopted,
          takeBack: () => {
            try {
              setOptions(resolveChange(options(), ours(before)));
            } catch {
              // configure() has changed others meanwhile, which they contradict: configure() wins.
            }
          },
        };
      },
    };
  }
}
