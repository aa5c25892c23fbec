import type { Doors } from './doors.js';
import type { Happenings } from './happenings.js';
import type { CallName, Wish } from './line.js';
import type { Program } from './program.js';
import { testingError } from './testing-error.js';

/** How a test gets at the processes of its pool: what it asks of them and the signals that it sends. Other processes are out of reach. */
export class Reach {
  readonly #program: Program;
  readonly #doors: Doors;
  readonly #happenings: Happenings;

  constructor({ program, doors, happenings }: { readonly program: Program; readonly doors: Doors; readonly happenings: Happenings }) {
    this.#program = program;
    this.#doors = doors;
    this.#happenings = happenings;
  }

  /** Calls a method of the server in the master, and resolves or rejects as it does. */
  async call(method: CallName, argument?: unknown, boundMs?: number): Promise<unknown> {
    return this.#doors.ask(this.#program.pid, { do: 'call', method, argument }, `${method}()`, boundMs);
  }

  /** Causes a fault in a worker. @param what - the fault, for the error if it does not happen */
  async fault(pid: number, wish: Wish, what: string): Promise<void> {
    this.#check(pid);
    if (pid === this.#program.pid) throw testingError(`${pid} is the master; ${what} is for a worker.`);
    await this.#doors.ask(pid, wish, what);
  }

  /** Sends a signal to a process of the pool. */
  signal(pid: number, signal: NodeJS.Signals): void {
    this.#check(pid);
    process.kill(pid, signal);
  }

  /** Whether a process of the pool has ended. */
  isGone(pid: number): boolean {
    return pid === this.#program.pid ? this.#program.ending !== undefined : this.#doors.isGone(pid);
  }

  /** A test must not end processes of others. */
  #check(pid: number): void {
    const { pid: master } = this.#program;
    const { ready } = this.#happenings;
    if (this.isGone(pid)) throw testingError(`Process ${pid} of the pool has ended.`);
    // The master may say that a worker is ready before the worker's own line has opened: then what is asked of it waits.
    if (pid !== master && !this.#doors.has(pid) && !ready.includes(pid)) throw testingError(`${pid} is not a process of this pool; its master is ${master}, its workers are ${ready.join(', ')}.`);
  }
}
