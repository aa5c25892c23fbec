import { systemClock } from '../clock.js';
import { containerInit } from './container-init.js';
import { predecessor } from './predecessor-process.js';
import { startSuccessor } from './successor-process.js';
import { Upgrades } from './upgrades.js';

/** The upgrades of this process. */
export const processUpgrades: Upgrades = new Upgrades({
  clock: systemClock, process, start: startSuccessor, init: containerInit({ ppid: process.ppid, isSuccessor: predecessor() !== undefined }),
});
