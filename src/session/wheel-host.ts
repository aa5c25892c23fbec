import type { Guarded } from './entry.js';
import type { Turns } from './turns.js';

/** The session, as its wheel sees it. */
export interface WheelHost extends Guarded {
  /** MaxOutput, and what HighMark must not exceed. */
  readonly maxOutput: number;
  readonly mostHigh: number;
  readonly isOver: boolean;
  readonly turns: Turns;
  /** More output is queued than may be. */
  overflowed(octets: number): void;
  report(error: Error): void;
}

/** Is told how the client takes its output. */
export interface OutputListener {
  /** Whether `flushed` has to be called. */
  readonly wantsFlushed: boolean;
  /** Whether `flushed` or `low` will call the user back: what was put has not been flushed, or is above HighMark. */
  isDue(isDirty: boolean, isHigh: boolean): boolean;
  high(): void;
  low(): void;
  flushed(): void;
}
