import type { ToMaster, ToWorker, WorkerState } from '../../src/ipc/protocol.js';
import type { HandleCopy } from '../../src/worker/listener.js';
import type { MasterChannel } from '../../src/worker/master-channel.js';

/** A worker's line to its master that goes nowhere: the test is the master. */
export class MemoryChannel implements MasterChannel {
  /** What the worker said, in order. */
  readonly facts: ToMaster[] = [];
  #onOrder: ((order: ToWorker, copy: HandleCopy | undefined) => void) | undefined;
  #onClosed: (() => void) | undefined;
  #onStranger: (() => void) | undefined;
  /** What was passed on to listeners on `process`. */
  readonly passed: unknown[] = [];
  isClosed = false;

  send(fact: ToMaster): boolean {
    if (this.isClosed) return false;
    this.facts.push(fact);
    return true;
  }

  onOrder(listener: (order: ToWorker, copy: HandleCopy | undefined) => void): void {
    this.#onOrder = listener;
  }

  onClosed(listener: () => void): void {
    this.#onClosed = listener;
  }

  order(order: ToWorker, copy?: HandleCopy): void {
    this.#onOrder?.(order, copy);
  }

  onStranger(listener: () => void): void {
    this.#onStranger = listener;
  }

  pass(message: unknown): void {
    this.passed.push(message);
  }

  /** The master is gone. */
  close(): void {
    this.isClosed = true;
    this.#onClosed?.();
  }

  /** A master of another server says its welcome. */
  welcomeStrange(): void {
    this.#onStranger?.();
  }

  /** All facts of one kind. */
  of<Type extends ToMaster['type']>(type: Type): (ToMaster & { type: Type })[] {
    return this.facts.filter((fact): fact is ToMaster & { type: Type } => fact.type === type);
  }

  /** The kinds of the facts, in order. */
  get types(): string[] {
    return this.facts.map(({ type }) => type);
  }

  /** The state that was reported last. */
  get state(): WorkerState | undefined {
    return this.facts.findLast((fact) => fact.type === 'state' || fact.type === 'heartbeat')?.state;
  }
}
