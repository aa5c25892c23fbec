import { createServer, type Server } from 'node:net';
import type { Clock } from '../clock.js';
import { agentLine } from './health.js';
import type { PoolView } from './pool-view.js';
import { Recent } from './request-budget.js';

/** HAProxy asks each server every few seconds, and each asks for one line. */
const MOST_CONNECTIONS = 64;
/** From the connection to its end, whatever else it says. */
const PATIENCE_MS = 2000;

/** Answers HAProxy's agent-check: whoever connects gets one line, and is let go. Not listening yet. */
export function agentServer({ status }: Pick<PoolView, 'status'>, clock: Clock): Server {
  const line = new Recent(clock, () => agentLine(status()));
  const server = createServer((socket) => {
    const patience = clock.after(PATIENCE_MS, () => { socket.destroy(); }, { idle: true });
    socket.once('close', () => { patience.cancel(); });
    // It may have gone already: then there is no one to answer.
    socket.on('error', () => { socket.destroy(); });
    socket.end(line.ask().value);
    socket.resume();
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
