import { builtIn } from './built-ins.js';

/** How many files this process, and each that it forks, may have open; Infinity where that cannot be known: macOS has no /proc. */
export function openFilesLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(builtIn('node:fs').readFileSync('/proc/self/limits', 'latin1'));
    return line === null ? Infinity : Number(line[1]);
  } catch {
    return Infinity;
  }
}
