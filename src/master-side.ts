import { PreforkError } from './errors.js';
import { WORKER_CONDITION } from './mark.js';
import type { createMaster } from './master/create-master.js';

/** Puts the master of a server together. */
type CreateMaster = typeof createMaster;

let provided: CreateMaster | undefined;

/** Called by index.ts, which brings the master. */
export function provideMaster(create: CreateMaster): void {
  provided = create;
}

/** What makes masters in this process. @throws PreforkError ERR_PREFORK_STATE if the process was started as workers are, but is not one */
export function masterMaker(): CreateMaster {
  if (provided !== undefined) return provided;
  throw new PreforkError('ERR_PREFORK_STATE', `This process is not a worker of a pool, but was started with Node's argument ${WORKER_CONDITION}, which is for workers only: start it without.`);
}
