// A test of a user's, compiled as server.ts.
import { startPool, type PoolSetup, type TestPool } from 'prefork-tcp-server/testing';

export async function crash(setup: Partial<PoolSetup>): Promise<string> {
  const pool: TestPool = await startPool({ Script: './server.js', MaxServer: 2, ...setup });
  const [pid = 0] = pool.workers;
  const { reason } = await pool.crash(pid, 'SIGKILL');
  const { limits } = await pool.waitUntil(({ totals }) => totals.ready === 2);
  const error: Error = (await pool.event('worker:error')).error;
  for (const event of pool.events) if (event.name === 'worker:exit') console.log(event.detail.reason, event.at);
  await pool[Symbol.asyncDispose]();
  return `${reason} ${limits.MaxServer} ${error.message} ${await pool.ask('x', { greeting: 1 })}`;
}

// @ts-expect-error -- functions cannot be sent to another process
void startPool({ Script: './server.js', ClientInput: () => 1 });
