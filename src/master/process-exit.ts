/**
 * Calls back when this process ends. Every server of a program listens to that, and to the same signals: the limit is
 * raised for each, since Node warns of a leak if more than ten listeners listen to one event.
 *
 * @returns a function that ends it
 */
export function atProcessExit(listener: () => void): () => void {
  makeRoom(1);
  process.once('exit', listener);
  return () => {
    process.off('exit', listener);
    makeRoom(-1);
  };
}

function makeRoom(count: number): void {
  const most = process.getMaxListeners();
  // 0 = any number.
  if (most !== 0) process.setMaxListeners(most + count);
}
