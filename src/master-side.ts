import { PreforkError } from './errors.js';
import { WORKER_CONDITION } from './mark.js';
import type { createMaster } from './master/create-master.js';

/** Puts the master of a server together. */
type CreateMaster = typeof createMaster;

let provided: CreateMaster | undefined;

/** index.ts has the master with it. */
export function provideMaster(create: CreateMaster): void {
  provided = create;
}

/** What makes masters in this process. @throws PreforkError ERR_PREFORK_STATE if it was started as workers are, and is none */
export function masterMaker(): CreateMaster {
  if (provided !== undefined) return provided;
  throw new PreforkError('ERR_PREFORK_STATE', `This process is not a worker of a pool, but was started with Node's argument ${WORKER_CONDITION}, which is for workers only: start it without.`);
}
