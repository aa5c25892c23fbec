import { expect } from 'vitest';
import { withMaster } from './master-process.js';
import type { MasterProcess } from './master-process.js';

/** Starts an example as a user does; when the body is done a Ctrl-C must end it with its workers. */
export async function withExample(args: readonly string[], body: (master: MasterProcess, port: number) => Promise<void>): Promise<void> {
  const [name = '', ...rest] = args;
  await withMaster({ args: [`examples/${name}`, '0', ...rest], detached: true }, async (master) => {
    const line = await master.line(/^listening on .*port: \d+/);
    await body(master, Number(/port: (\d+)/.exec(line)?.[1]));
    master.signalGroup('SIGINT');
    expect(await master.over()).toEqual({ code: 0, signal: null });
    expect(master.stderr).toEqual([]);
  });
}
