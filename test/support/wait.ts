import { performance } from 'node:perf_hooks';

/** How long one wait may take, in milliseconds: far above what is needed, and below the limit of a test. */
export const PATIENCE_MS = 10_000;

/** Settles as the promise does, or rejects after a while with what `describe` says then. */
export async function within<T>(promise: Promise<T>, describe: () => string, boundMs: number = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Error(`Waited ${boundMs} ms for ${describe()}`)); }, boundMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks every few milliseconds until the answer is true. For facts that come without an event, such as the end of a process. */
export async function poll(ask: () => boolean | Promise<boolean>, describe: () => string, boundMs: number = PATIENCE_MS): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`Waited ${boundMs} ms for ${describe()}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

/** Waits for facts about something that calls `notify()` when it has changed. */
export class Waiters {
  readonly #questions = new Set<() => void>();

  /** Asks all open questions again. */
  notify(): void {
    for (const ask of [...this.#questions]) ask();
  }

  /** Resolves with the first answer that is not undefined; rejects with what the question throws, or when it takes too long. */
  async until<T>(ask: () => T | undefined, describe: () => string, boundMs: number = PATIENCE_MS): Promise<T> {
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
