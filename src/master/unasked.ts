import { asError } from '../errors.js';
import type { Outbox } from './outbox.js';
import { ReloadError } from './reload-error.js';
import { UpgradeError } from './upgrade-error.js';

/** Makes a function that reports the failure of an attempt for which nothing waits: by a warning, unless the event for that has a listener. */
export function warner(outbox: Pick<Outbox, 'isHeard'>): (thrown: unknown) => void {
  return (thrown) => {
    const isSaid = (thrown instanceof ReloadError && outbox.isHeard('reload:failed')) || (thrown instanceof UpgradeError && outbox.isHeard('upgrade:failed'));
    if (!isSaid) process.emitWarning(asError(thrown));
  };
}
