import { cpuMs } from '../../support/proc.js';
import { poll } from '../../support/wait.js';
import { sum } from '../figures.js';

/** How long processes may not have run to count as at rest. */
const REST_MS = 300;

/** Waits until processes have nothing to do: what was left of their start, such as a garbage collection, is over. */
export async function atRest(pids: readonly number[]): Promise<void> {
  const runs = (): number => Math.round(sum(pids.map(cpuMs)));
  let last = runs();
  let since = performance.now();
  await poll(() => {
    const now = runs();
    if (now > last + 1) {
      last = now;
      since = performance.now();
    }
    return performance.now() - since > REST_MS;
  }, () => 'processes at rest');
}
