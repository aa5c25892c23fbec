// Kept in the declarations: TypeScript 6 and later load only types that are asked for, and these need Node's.
/// <reference types="node" preserve="true" />
import { createMaster } from './master/create-master.js';
import { provideMaster } from './master-side.js';

provideMaster(createMaster);

export * from './exports.js';
