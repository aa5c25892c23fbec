import { systemClock, type Timer } from '../clock.js';
import { testingError } from './testing-error.js';

/** Settles as the promise does, or rejects when the time is up, with what `describe` says then. */
export async function within<T>(promise: Promise<T>, describe: () => string, boundMs: number): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = systemClock.after(boundMs, () => { reject(testingError(`Waited ${boundMs / 1000} s for ${describe()}.`)); });
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.cancel();
  }
}

/** Waits for facts about something that calls `notify()` when it has changed. */
export class Waiters {
  readonly #boundMs: number;
  readonly #questions = new Set<() => void>();

  /** @param boundMs - how long one wait may take */
  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  /** Asks all open questions again. */
  notify(): void {
    for (const ask of [...this.#questions]) ask();
  }

  /** Resolves with the first answer that is not undefined; rejects with what the question throws, or when it takes too long. */
  async until<T>(ask: () => T | undefined, describe: () => string, boundMs: number = this.#boundMs): Promise<T> {
    let question: (() => void) | undefined;
    const answered = new Promise<T>((resolve, reject) => {
      question = () => {
        try {
          const answer = ask();
          if (answer !== undefined) resolve(answer);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#questions.add(question);
      question();
    });
    try {
      return await within(answered, describe, boundMs);
    } finally {
      if (question !== undefined) this.#questions.delete(question);
    }
  }
}
