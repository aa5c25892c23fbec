import type { ToMaster } from '../../src/ipc/protocol.js';
import type { Roster } from '../../src/master/roster.js';
import type { WorkerRecord } from '../../src/master/worker-record.js';
import type { WorkerProcess } from '../../src/master/worker-process.js';

/** A process that takes every order and does nothing. */
export const deafProcess = (pid: number): WorkerProcess => ({ pid, send: () => true, kill: () => undefined });

/** Notes in the roster what a worker said, as the supervisor does it. */
export function hear(roster: Roster, record: WorkerRecord, fact: ToMaster, now: number): void {
  roster.heard(record, now);
  if (fact.type === 'ready') roster.ready(record, now);
  if (fact.type === 'heartbeat') record.vitals = fact.vitals;
  if (fact.type === 'heartbeat' || fact.type === 'state') roster.report(record, fact.state, now);
}
