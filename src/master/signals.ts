import { closeSync, openSync } from 'node:fs';

/** SIGINT from a terminal, SIGTERM from a service manager. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/** What signals do to the pool. */
export interface SignalActions {
  /** The first one: ends in an orderly way. */
  drain(): Promise<void>;
  /** The second one. */
  killAll(): void;
  /** SIGHUP without a terminal. */
  reload(): void;
}

/**
 * Whether this process has a controlling terminal, whose end is what a SIGHUP means then. Without one /dev/tty cannot be
 * opened (ENXIO). isTTY says something else: redirected output has a terminal behind it all the same.
 */
function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * SIGHUP reloads, as service managers and operators mean it, or drains if the terminal is closed.
 * Drains the pool at the first SIGINT or SIGTERM and then ends this process with exit code 0; at the second one kills
 * the workers and dies of the signal. If the host program or another server handles these signals too, ending the
 * process is left to whoever is last.
 *
 * @returns a function that stops handling signals
 */
export function handleSignals(actions: SignalActions, hasTerminal: () => boolean = hasControllingTerminal): () => void {
  let received = 0;
  const remove = (): void => {
    for (const signal of ENDING) process.off(signal, onSignal);
    process.off('SIGHUP', onHangup);
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
  const onHangup = (signal: NodeJS.Signals): void => {
    if (!hasTerminal()) actions.reload();
    // A terminal that is closed sends it to every process: once is enough, and no reason for a kill.
    else if (received === 0) onSignal(signal);
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  process.on('SIGHUP', onHangup);
  return remove;
}
