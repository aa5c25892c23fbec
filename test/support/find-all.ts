import type { Terminator } from '../../src/filters/terminator.js';

/** Positions of all terminators in one read. */
export function findAll(terminator: Terminator, text: string): [number, number][] {
  const found: [number, number][] = [];
  let at = terminator.begin(text);
  while (terminator.find(text, at)) {
    found.push([terminator.start, terminator.end]);
    at = terminator.end;
  }
  return found;
}
