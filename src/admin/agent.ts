import { createServer, type Server } from 'node:net';
import type { Clock } from '../clock.js';
import { agentLine } from './health.js';
import type { PoolView } from './pool-view.js';
import { Recent } from './request-budget.js';

/** HAProxy connects to each server every few seconds, each time for one line. */
const MOST_CONNECTIONS = 64;
/** The longest that a connection may last, whatever it sends. */
const PATIENCE_MS = 2000;

/** Answers HAProxy's agent-check: a client that connects gets one line, and the connection is closed. Not listening yet. */
export function agentServer({ status }: Pick<PoolView, 'status'>, clock: Clock): Server {
  const line = new Recent(clock, () => agentLine(status()));
  const server = createServer((socket) => {
    const patience = clock.after(PATIENCE_MS, () => { socket.destroy(); }, { idle: true });
    socket.once('close', () => { patience.cancel(); });
    // The client may have gone already: then there is nothing to answer.
    socket.on('error', () => { socket.destroy(); });
    socket.end(line.ask().value);
    socket.resume();
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
