import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { systemClock } from '../clock.js';
import type { AdminConfig } from './admin-options.js';
import { AdminServer } from './admin-server.js';
import { agentServer } from './agent.js';
import { openPath, openPort, type OpenEntrance } from './entrances.js';
import type { Build } from './metrics.js';
import { Page } from './page.js';
import type { PoolView } from './pool-view.js';

/** The admin side of a running server. */
export interface Admin {
  /** The page's address with the port resolved; undefined without Port. */
  readonly url: string | undefined;
  /** The path of the Unix socket; undefined without Path. */
  readonly path: string | undefined;
  /** The port of the agent; undefined without AgentPort. */
  readonly agentPort: number | undefined;
  /** Tells open pages about the end and closes everything. Harmless twice. */
  close(): void;
}

/**
 * Opens the admin side. Loaded only by the master, and only when asked for, so that workers do without it.
 *
 * @throws the system's error if something cannot be listened on; then everything is closed again
 */
export async function openAdmin({ config, pool, build }: { readonly config: AdminConfig; readonly pool: PoolView; readonly build: Build }): Promise<Admin> {
  const page = new Page(readFileSync(new URL('./admin-page.js', import.meta.url), 'utf8'));
  const server = new AdminServer({ config, pool, page, build, clock: systemClock });
  const opened: OpenEntrance[] = [];
  const http: Server[] = [];
  const close = (): void => {
    server.close();
    // Each only once: another server may then have the path of a closed one, and even the inode of its file may be reused.
    for (const entrance of opened.splice(0)) entrance.close();
    for (const each of http) each.closeIdleConnections();
    // Pages that have not read the end by then are closed without it.
    systemClock.after(FAREWELL_MS, () => { for (const each of http) each.closeAllConnections(); }, { idle: true });
  };
  const open = async (entrance: Promise<OpenEntrance>): Promise<number | string> => {
    const done = await entrance;
    opened.push(done);
    return done.where;
  };
  const entrance = (kind: 'tcp' | 'unix'): Server => {
    const made = server.entrance(kind);
    http.push(made);
    return made;
  };
  const { port, address, path, agentPort } = config;
  try {
    const tcp = port === undefined ? undefined : await open(openPort(entrance('tcp'), { port, address }));
    const unix = path === undefined ? undefined : await open(openPath(entrance('unix'), path));
    const agent = agentPort === undefined ? undefined : await open(openPort(agentServer(pool, systemClock), { port: agentPort, address }));
    return {
      url: tcp === undefined ? undefined : `http://${address.includes(':') ? `[${address}]` : address}:${tcp}/`,
      path: unix === undefined ? undefined : String(unix),
      agentPort: agent === undefined ? undefined : Number(agent),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

const FAREWELL_MS = 1000;
