import { builtIn } from './built-ins.js';
import type { createMaster } from './master/create-master.js';

/** Puts the master of a server together. */
type CreateMaster = typeof createMaster;

let provided: CreateMaster | undefined;

/** index.ts has the master with it. */
export function provideMaster(create: CreateMaster): void {
  provided = create;
}

/** What makes masters in this process. */
export const masterMaker = (): CreateMaster => provided ?? loadMaster();

/** A process that was started with a worker's arguments (see WORKER_CONDITION) may be no worker: a master's code is loaded then. */
function loadMaster(): CreateMaster {
  builtIn('node:module').createRequire(import.meta.url)('./index.js');
  if (provided === undefined) throw new Error('index.js provides no master.');
  return provided;
}
