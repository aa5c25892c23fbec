import type { Clock } from '../clock.js';
import type { Outbox } from './outbox.js';
import { handleSignals } from './signals.js';
import { writeToStderr } from './stderr.js';
import { warner } from './unasked.js';

const HANG_UP = 'SIGHUP: this program was started from a terminal, and one that is closed sends this signal, so the pool drains. To reload, call server.reload(), or start the program without a terminal (setsid, systemd).\n';

/** A server that obeys signals. */
export interface SignalledServer {
  readonly server: { shutdown(): Promise<void>; reload(options: object): Promise<unknown> };
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly isRunning: () => boolean;
  /** Ends ShutdownDelay. @returns false if it was over, or never began */
  readonly hurry: () => boolean;
  readonly killAll: () => void;
  /** The signal for `upgrade()`; undefined = none. */
  readonly upgradeSignal: NodeJS.Signals | undefined;
  readonly upgrade: () => void;
}

/** Makes a server obey the signals of its process. @returns a function that ends this */
export function obeySignals({ server, clock, outbox, isRunning, hurry, killAll, upgradeSignal, upgrade }: SignalledServer): () => void {
  return handleSignals({
    clock, hurry, killAll,
    drain: () => server.shutdown(),
    reload: () => { if (isRunning()) server.reload({}).catch(warner(outbox)); },
    hangUp: () => { writeToStderr(HANG_UP); },
    upgrade: upgradeSignal === undefined ? undefined : { signal: upgradeSignal, begin: upgrade },
  });
}
