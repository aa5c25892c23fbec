/** What `ready()` and other calls wait for, and whether any call does. */
export class Readiness {
  readonly #promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  #waiting = 0;

  constructor() {
    this.#promise = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether calls wait for something of this server: they reject with what ends it. */
  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  /** Waits until the server accepts. */
  wait(): Promise<void> {
    this.#waiting += 1;
    return this.#promise;
  }

  /** Counts a call that waits for something else. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    try {
      return await call();
    } finally {
      this.#waiting -= 1;
    }
  }

  resolve(): void {
    this.#resolve();
  }

  /** Only waiting calls are told. */
  reject(error: Error): void {
    this.#promise.catch(() => undefined);
    this.#reject(error);
  }
}
