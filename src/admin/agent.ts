import { createServer, type Server } from 'node:net';
import { agentLine } from './health.js';
import type { PoolView } from './pool-view.js';

/** HAProxy asks each server every few seconds, and each asks for one line. */
const MOST_CONNECTIONS = 64;
const PATIENCE_MS = 2000;

/** Answers HAProxy's agent-check: whoever connects gets one line, and is let go. Not listening yet. */
export function agentServer({ status }: Pick<PoolView, 'status'>): Server {
  const server = createServer((socket) => {
    socket.setTimeout(PATIENCE_MS, () => { socket.destroy(); });
    // It may have gone already: then there is no one to answer.
    socket.on('error', () => { socket.destroy(); });
    socket.end(agentLine(status()));
    socket.resume();
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
