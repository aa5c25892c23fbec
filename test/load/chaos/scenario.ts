import { withServer } from '../../support/with-server.js';
import type { Running, ServerSetup } from '../../support/with-server.js';
import type { Row } from '../figures.js';

/** What `npm run chaos` gives to every scenario. */
export interface ChaosSettings {
  /** Of the random numbers: the same seed makes the same faults. */
  readonly seed: number;
  /** From 0 to 1: the part of its full length that a scenario runs. */
  readonly share: number;
}

/** Makes real faults, and compares what it measured with what it must be. */
export type Scenario = (settings: ChaosSettings) => Promise<readonly Row[]>;

/** A pool of exactly this size that makes no spare workers, and whose workers know all faults. */
export const fixed = (workers: number): { program: string; StartServer: number; MinServer: number; MaxServer: number; MinSpareServer: number } => (
  { program: 'chaos.mjs', StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0 });

/** A pool of exactly this size, all of whose workers are ready when the body begins. */
export async function withWorkers<Result>(workers: number, setup: ServerSetup, body: (running: Running) => Promise<Result>): Promise<Result> {
  return withServer({ ...fixed(workers), ...setup }, async (running) => {
    await running.settled(workers);
    return body(running);
  });
}

export const sleep = async (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
