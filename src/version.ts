import { readFileSync } from 'node:fs';

let version: string | undefined;

/** This package's version, read once from its package.json; 'unknown' if a bundler has left that out. */
export function packageVersion(): string {
  version ??= readVersion();
  return version;
}

function readVersion(): string {
  try {
    // One folder above both src/ and dist/.
    const found: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const { version: text } = found as { version?: unknown };
    return typeof text === 'string' ? text : 'unknown';
  } catch {
    return 'unknown';
  }
}
