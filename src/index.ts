// Kept in the declarations: TypeScript 6 and later load no types that are not asked for, and these need the ones of Node.
/// <reference types="node" preserve="true" />
import { createMaster } from './master/create-master.js';
import { provideMaster } from './master-side.js';

provideMaster(createMaster);

export * from './exports.js';
