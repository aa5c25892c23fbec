import type { HandleCopy, Listener } from '../../src/worker/listener.js';

/** A copy of the listening handle that knows whether it was closed. */
export class FakeCopy implements HandleCopy {
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }
}

/** A listener that accepts when a test says so. As the real one, it closes the copy that it was given. */
export class FakeListener implements Listener {
  /** How often it was opened. */
  opens = 0;
  /** Whether the queue may grow no more. */
  isNarrow = false;
  #copy: HandleCopy | undefined;

  get isOpen(): boolean {
    return this.#copy !== undefined;
  }

  open(copy: HandleCopy): void {
    if (this.#copy !== undefined) throw new Error('The listener was opened while it was open.');
    if (copy instanceof FakeCopy && copy.isClosed) throw new Error('The listener was opened with a copy that is closed.');
    this.#copy = copy;
    this.opens += 1;
  }

  close(): void {
    if (this.#copy === undefined) throw new Error('The listener was closed while it was closed.');
    this.#copy.close();
    this.#copy = undefined;
  }

  narrow(): void {
    this.isNarrow = true;
  }
}
