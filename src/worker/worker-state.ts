import type { WorkerState } from '../ipc/protocol.js';
import type { AcceptLoop } from './accept-loop.js';

/** What a worker reports about itself. @param loop - undefined until it has been welcomed */
export function describeState(loop: AcceptLoop | undefined, { reportMs, pulseMs }: Pick<WorkerState, 'reportMs' | 'pulseMs'>): WorkerState {
  return {
    clients: loop?.clients ?? 0,
    served: loop?.served ?? 0,
    copiesUsed: loop?.copiesUsed ?? 0,
    accepting: loop?.accepting ?? false,
    permit: loop?.permit ?? 'none',
    ordersSeen: loop?.ordersSeen ?? 0,
    paused: loop?.paused ?? [],
    share: loop?.limits.share ?? null,
    draining: loop?.draining ?? false,
    reportMs, pulseMs,
  };
}
