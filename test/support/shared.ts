import { afterAll, beforeAll } from 'vitest';

/**
 * What all tests of a describe() use, each leaving it as it found it: made once, because it takes long.
 *
 * @param open - makes it, runs the body, and ends it, as `withServer` does
 * @returns how the tests get it
 */
export function shared<T>(open: (body: (made: T) => Promise<void>) => Promise<void>): () => T {
  let made: { readonly value: T } | undefined;
  let release = (): void => undefined;
  let over: Promise<void> = Promise.resolve();
  beforeAll(async () => {
    const released = new Promise<void>((resolve) => { release = resolve; });
    await new Promise<void>((resolve, reject) => {
      over = open(async (value) => {
        made = { value };
        resolve();
        await released;
      });
      over.catch(reject);
    });
  });
  afterAll(async () => {
    release();
    await over;
  });
  return () => {
    if (made === undefined) throw new Error('What these tests share was not made.');
    return made.value;
  };
}
