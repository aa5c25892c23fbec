import type { SendHandle } from 'node:child_process';
import type { ToWorker } from '../ipc/protocol.js';
import type { Spawn, SpawnOptions, WorkerEvents, WorkerProcess } from './worker-process.js';

/** The workers' processes by the id of their record. What is said to one that has gone is lost. */
export class Workforce {
  readonly #spawn: Spawn;
  readonly #processes = new Map<number, WorkerProcess>();

  constructor(spawn: Spawn) {
    this.#spawn = spawn;
  }

  /** Starts a process. @returns its pid; 0 if it could not be started */
  start(id: number, events: WorkerEvents, options: SpawnOptions): number {
    const process = this.#spawn(events, options);
    this.#processes.set(id, process);
    return process.pid;
  }

  /** @returns false if its channel is closed */
  send(id: number, order: ToWorker, handle?: SendHandle): boolean {
    return this.#processes.get(id)?.send(order, handle) ?? false;
  }

  /** Sends an order to every one. */
  tell(order: ToWorker): void {
    for (const process of this.#processes.values()) process.send(order);
  }

  /** Sends a message of the user's own. @returns false if its channel is closed */
  post(id: number, message: unknown): boolean {
    return this.#processes.get(id)?.post(message) ?? false;
  }

  kill(id: number): void {
    this.#processes.get(id)?.kill();
  }

  killAll(): void {
    for (const process of this.#processes.values()) process.kill();
  }

  /** Forgets one that has exited. */
  remove(id: number): void {
    this.#processes.delete(id);
  }
}
