import type { Guarded } from './entry.js';

/** Receives what Input makes of a client's bytes. */
export interface InputHost extends Guarded {
  /** The filter refused the input. */
  fault(error: unknown): void;
  /** How many records have been handled; there is no further whole one, or it is held back. */
  pumped(records: number): void;
  /** The client sends no more, and every record has been handled. */
  end(): void;
}

/** Takes the records. */
export interface RecordHandler {
  /** One whole record, in an async scope of its own. A promise holds the next one back until it settles. */
  record(record: unknown): Promise<unknown> | undefined;
}
