import { fileURLToPath } from 'node:url';

/** The path of a file or folder that is named by path or by URL; undefined if it is neither. */
export function pathOf(place: unknown): string | undefined {
  if (!(place instanceof URL) && (typeof place !== 'string' || place === '')) return undefined;
  if (typeof place === 'string' && !place.startsWith('file:')) return place;
  try {
    return fileURLToPath(place);
  } catch {
    // Another scheme, or another machine.
    return undefined;
  }
}
