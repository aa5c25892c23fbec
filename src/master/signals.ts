import { closeSync, openSync } from 'node:fs';
import type { Clock } from '../clock.js';

/** SIGINT from a terminal, SIGTERM from a service manager. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/**
 * A signal this soon after the first means the same: with npx, node --watch, nodemon, concurrently and the like, one Ctrl-C
 * reaches this process both from the terminal and from its parent (seen: 16 to 106 ms apart); a parent that answers it with
 * `child.kill()` sends SIGTERM.
 */
const SAME_MS = 500;

/** What signals do to the pool. */
export interface SignalActions {
  readonly clock: Clock;
  /** The first one: ends in an orderly way. */
  drain(): Promise<void>;
  /** The second one, if the pool does not drain yet (ShutdownDelay): now it does. @returns false if it is draining already */
  hurry(): boolean;
  /** The next one. */
  killAll(): void;
  /** SIGHUP with a terminal: it was closed, or somebody expects a reload. The pool drains. */
  hangUp(): void;
  /** SIGHUP without a terminal. */
  reload(): void;
  /** Hands over to a successor; undefined if no signal is to do that. */
  readonly upgrade: { readonly signal: NodeJS.Signals; begin(): void } | undefined;
}

/**
 * Drains the pool at the first SIGINT or SIGTERM and then ends this process with exit code 0; at a second one kills the
 * workers and dies of the signal, unless it comes within half a second, or ends the ShutdownDelay. SIGHUP drains it if this process had a
 * terminal, which was closed, and otherwise reloads, as service managers and operators intend. If the host program or another server
 * handles these signals too, the last of them ends the process.
 *
 * @returns a function that stops handling signals
 */
export function handleSignals(actions: SignalActions, hasTerminal: () => boolean = hasControllingTerminal): () => void {
  const { upgrade } = actions;
  const onUpgrade = (): void => { upgrade?.begin(); };
  let firstAt: number | undefined;
  const remove = (): void => {
    for (const signal of ENDING) process.off(signal, onSignal);
    process.off('SIGHUP', onHangUp);
    if (upgrade !== undefined) process.off(upgrade.signal, onUpgrade);
  };
  const isLast = (): boolean => ENDING.every((signal) => process.listenerCount(signal) === 0);
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = actions.clock.now();
    if (firstAt === undefined) {
      firstAt = now;
      void actions.drain().then(() => {
        remove();
        if (isLast()) process.exit();
      });
      return;
    }
    if (now - firstAt < SAME_MS) return;
    if (actions.hurry()) { firstAt = now; return; }
    actions.killAll();
    remove();
    if (isLast()) process.kill(process.pid, signal);
  };
  // Asked now: when a terminal is closed, its processes lose it before they get the signal.
  const hadTerminal = hasTerminal();
  const onHangUp = (): void => {
    if (!hadTerminal) { actions.reload(); return; }
    if (firstAt !== undefined) return;
    actions.hangUp();
    onSignal('SIGTERM');
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  process.on('SIGHUP', onHangUp);
  if (upgrade !== undefined) process.on(upgrade.signal, onUpgrade);
  return remove;
}

/** Whether this process has a controlling terminal; also if its streams are redirected. */
function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    // ENXIO: there is none.
    return false;
  }
}
