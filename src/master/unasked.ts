import { asError } from '../errors.js';
import type { Outbox } from './outbox.js';
import { ReloadError } from './reload-error.js';
import { UpgradeError } from './upgrade-error.js';

/** Makes what says that an attempt which no one waits for has failed: a warning, unless the event that has what came of it is heard. */
export function warner(outbox: Pick<Outbox, 'isHeard'>): (thrown: unknown) => void {
  return (thrown) => {
    const isSaid = (thrown instanceof ReloadError && outbox.isHeard('reload:failed')) || (thrown instanceof UpgradeError && outbox.isHeard('upgrade:failed'));
    if (!isSaid) process.emitWarning(asError(thrown));
  };
}
