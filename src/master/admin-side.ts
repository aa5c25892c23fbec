import { resolve } from 'node:path';
import type * as AdminEntry from '../admin/index.js';
import type { AdminConfig } from '../admin/admin-options.js';
import type { Admin } from '../admin/index.js';
import { renderMetrics, type Build } from '../admin/metrics.js';
import type { AdminActions, PoolView } from '../admin/pool-view.js';
import { asError } from '../errors.js';
import type { ServerStatus } from '../status.js';
import { packageVersion } from '../version.js';
import { ListenError } from './listen-error.js';
import { pathListenError } from './unix-socket.js';

/** What the admin side may see and do. */
export interface AdminAccess {
  readonly status: () => ServerStatus;
  readonly observe: PoolView['observe'];
  readonly actions: AdminActions;
}

/** What runs here. */
export const currentBuild = (): Build => ({ version: packageVersion(), node: process.version });

/** The admin side of a server that may have none, or not yet. */
export class AdminSide {
  #admin: Admin | undefined;
  #isClosed = false;

  /** @throws ListenError */
  async open(config: AdminConfig, access: AdminAccess): Promise<void> {
    const opened = await openAdminSide(config, access);
    if (this.#isClosed) opened.close();
    else this.#admin = opened;
  }

  /**
   * Opens it, or as much later as a predecessor has its place.
   *
   * @returns a function that opens it then, if it has to; what keeps it from that does not end the server, which serves already
   * @throws ListenError that has nothing to do with the predecessor
   */
  async openBeside(config: AdminConfig, access: AdminAccess): Promise<() => void> {
    try {
      await this.open(config, access);
      return () => undefined;
    } catch (error) {
      if (!(error instanceof ListenError) || (error.cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return () => { this.open(config, access).catch((reason: unknown) => { process.emitWarning(asError(reason)); }); };
    }
  }

  /** Where it is; undefined = nowhere. */
  get where(): ServerStatus['admin'] {
    return this.#admin === undefined ? undefined : { url: this.#admin.url, path: this.#admin.path, agentPort: this.#admin.agentPort };
  }

  /** Harmless twice, and before it is open. */
  close(): void {
    this.#isClosed = true;
    this.#admin?.close();
  }
}

/**
 * Loads and opens the admin side. It is a file of its own, so that workers, and masters without it, never load it.
 *
 * @throws ListenError
 */
async function openAdminSide(config: AdminConfig, { status, observe, actions }: AdminAccess): Promise<Admin> {
  const { openAdmin } = await import(new URL('./admin.js', import.meta.url).href) as typeof AdminEntry;
  const build = currentBuild();
  try {
    return await openAdmin({ config, build, pool: { status, observe, actions, metrics: () => renderMetrics(status(), build) } });
  } catch (cause) {
    const { code = 'unknown', errno = 0, syscall = 'listen', address: where = config.address, port } = cause as NodeJS.ErrnoException & { address?: string; port?: number };
    if (errno === 0 && code === 'unknown') throw asError(cause);
    if (config.path !== undefined && where === resolve(config.path)) throw pathListenError(cause, config.path, `${config.path} for Admin`);
    throw new ListenError({ operation: syscall, code, errno: Math.abs(errno), where: `${port === undefined ? where : `${where}:${port}`} for Admin`, cause });
  }
}
