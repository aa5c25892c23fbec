import type { StreamOwner } from '../../src/session/stream-entry.js';

/** Nothing that a test expects may fail behind a door. */
export const crashed = (thrown: unknown): never => { throw thrown; };

/** An owner of a stream that takes its bytes only. */
export const reader = (received: (chunk: Buffer) => void): StreamOwner => ({
  received, crashed, finished: () => undefined, broke: () => undefined, closed: () => undefined,
});
