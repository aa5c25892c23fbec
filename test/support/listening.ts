import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { PreforkTcpServer } from 'prefork-tcp-server';
import type { PreforkTcpServerOptions } from 'prefork-tcp-server';
import { TcpClient } from './tcp-client.js';
import type { Target } from './tcp-client.js';
import { within } from './wait.js';
import { program } from './with-server.js';

/** Connects, and asks the worker what it knows of the client (addresses.mjs). */
export async function heapOf(target: Target): Promise<Record<string, unknown>> {
  using client = await TcpClient.connect(target);
  await client.greeting();
  client.send('who am I\n');
  return JSON.parse(await client.readLine()) as Record<string, unknown>;
}

/** Leaves a socket file at which nothing answers, as a server that was killed does. */
export async function leaveStale(path: string): Promise<void> {
  const former = createServer().listen(`${path}.former`);
  await once(former, 'listening');
  // Node removes the name that it has bound, and leaves this one.
  renameSync(`${path}.former`, path);
  former.close();
}

/** A server that cannot listen: returns the error of ready(), and what the Error callback got. */
export async function listenFailure(options: Partial<PreforkTcpServerOptions>): Promise<{ error: unknown; told: unknown[] }> {
  const told: unknown[] = [];
  const server = new PreforkTcpServer({
    HandleSignals: false, Script: program('std.mjs'), ScriptArgs: ['{}'], ClientInput: () => undefined,
    Error: ({ operation, errno, errstr, error }) => { told.push({ operation, errno, errstr, error }); }, ...options,
  });
  const error = await within(server.ready().then(() => undefined, (reason: unknown) => reason), () => 'ready()');
  await server.shutdown();
  return { error, told };
}
