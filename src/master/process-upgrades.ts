import { readFileSync } from 'node:fs';
import { systemClock } from '../clock.js';
import { startSuccessor } from './successor-process.js';
import { Upgrades } from './upgrades.js';

/** The upgrades of this process. */
export const processUpgrades: Upgrades = new Upgrades({ clock: systemClock, process, start: startSuccessor, init: nameOfInit });

function nameOfInit(): string | undefined {
  try {
    return readFileSync('/proc/1/comm', 'utf8').trim();
  } catch {
    // A system without /proc.
    return undefined;
  }
}
