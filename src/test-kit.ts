import type { PoolObserver } from './pool-event.js';
import type { ServerStatus } from './status.js';

/** What the test kit may ask of a master. */
export interface TestedServer {
  readonly alias: string;
  status(): ServerStatus;
  shutdown(options?: { readonly grace?: number | undefined }): Promise<void>;
  configure(change: object): void;
  reload(): Promise<unknown>;
  pause(): void;
  resume(): void;
}

/** What a program under test is run with: see testing/. */
export interface TestKit {
  /** The options that a construction uses in place of those it was given: in every process, once for each construction. */
  options(given: unknown): unknown;
  /** Called in the master, in the turn of the construction. */
  observe(server: TestedServer): PoolObserver | undefined;
}

// Put there by a module that was deliberately loaded before the program, by name: no environment variable can do it.
const KIT = Symbol.for('prefork-tcp-server.test-kit');

type Holder = Record<symbol, TestKit | undefined>;

/** The test kit of this process; undefined unless its program runs in a test. */
export const testKit = (): TestKit | undefined => (globalThis as unknown as Holder)[KIT];

/** Installs the test kit in this process. */
export function installTestKit(kit: TestKit): void {
  (globalThis as unknown as Holder)[KIT] = kit;
}
