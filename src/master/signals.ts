/** SIGINT from a terminal, SIGTERM from a service manager. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/** What signals do to the pool. */
export interface SignalActions {
  /** The first one: ends in an orderly way. */
  drain(): Promise<void>;
  /** The second one. */
  killAll(): void;
}

/**
 * Drains the pool at the first SIGINT or SIGTERM and then ends this process with exit code 0; at the second one kills
 * the workers and dies of the signal. If the host program or another server handles these signals too, ending the
 * process is left to whoever is last.
 *
 * @returns a function that stops handling signals
 */
export function handleSignals(actions: SignalActions): () => void {
  let received = 0;
  const remove = (): void => {
    for (const signal of ENDING) process.off(signal, onSignal);
  };
  const isLast = (): boolean => ENDING.every((signal) => process.listenerCount(signal) === 0);
  const onSignal = (signal: NodeJS.Signals): void => {
    received += 1;
    if (received === 1) {
      void actions.drain().then(() => {
        remove();
        if (isLast()) process.exit();
      });
      return;
    }
    actions.killAll();
    remove();
    if (isLast()) process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  return remove;
}
