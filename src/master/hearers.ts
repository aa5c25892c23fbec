import type { Clock } from '../clock.js';
import type { ResolvedOptions } from '../options/resolve.js';
import type { PoolObserver } from '../pool-event.js';
import { publishWorkers } from './diagnostics.js';
import { logTo } from './log.js';
import { Outbox } from './outbox.js';
import { writeToStderr } from './stderr.js';
import { UnheardErrors } from './unheard.js';

/** The outbox of a server with everything that follows all events: diagnostics channels, the user's Logger, and an observer. */
export function createOutbox(clock: Clock, { alias, logger }: ResolvedOptions['process'], observer: PoolObserver | undefined): Outbox {
  const outbox = new Outbox(clock, new UnheardErrors(clock, writeToStderr));
  outbox.observe(publishWorkers(alias));
  if (observer !== undefined) outbox.observe(observer, { status: true });
  if (logger !== undefined) outbox.setLog(logTo(logger, alias));
  return outbox;
}
