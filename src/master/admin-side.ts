import { resolve } from 'node:path';
import type * as AdminEntry from '../admin/index.js';
import type { AdminConfig } from '../admin/admin-options.js';
import type { Admin } from '../admin/index.js';
import { renderMetrics, type Build } from '../admin/metrics.js';
import type { AdminActions, PoolView } from '../admin/pool-view.js';
import { besideFor } from '../beside.js';
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

/** The server that an admin side shows. */
export interface AdminHost {
  status(): ServerStatus;
  observe: PoolView['observe'];
  reload(options: object): Promise<unknown>;
  pause(on: boolean): void;
  shutdown(): Promise<void>;
  /** The pool, for a call of this name. @throws PreforkError ERR_PREFORK_STATE if there is none */
  pool(call: string): { term(pid: number): boolean; kill(pid: number): boolean };
}

/** The versions that run here. */
const currentBuild = (): Build => ({ version: packageVersion(), node: process.version });

/** A status in Prometheus' text format. */
export const metricsOf = (status: ServerStatus): string => renderMetrics(status, currentBuild());

/** The admin side of a server, which may have none, or none yet. */
export class AdminSide {
  #admin: Admin | undefined;
  #isClosed = false;
  /** Opens it when a predecessor has given up its address. */
  #later: (() => void) | undefined;
  #isFree = false;

  /**
   * Opens it, if there is to be one.
   *
   * @param isSuccessor - whether a predecessor may still be at its address
   * @throws ListenError
   */
  async start(config: AdminConfig | undefined, host: AdminHost, { isSuccessor }: { readonly isSuccessor: boolean }): Promise<void> {
    if (config === undefined) return;
    const access = accessTo(host);
    if (isSuccessor) await this.#openBeside(config, access);
    else await this.#open(config, access);
  }

  async #open(config: AdminConfig, access: AdminAccess): Promise<void> {
    const opened = await openAdminSide(config, access);
    if (this.#isClosed) opened.close();
    else this.#admin = opened;
  }

  /**
   * Opens it, or, if a predecessor is still at its address, does so later (`openLater()`). A failure then does not end
   * the server, which serves already.
   *
   * @throws ListenError that has nothing to do with the predecessor
   */
  async #openBeside(config: AdminConfig, access: AdminAccess): Promise<void> {
    try {
      await this.#open(config, access);
    } catch (error) {
      if (!(error instanceof ListenError) || (error.cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      this.#later = () => { this.#open(config, access).catch((reason: unknown) => { process.emitWarning(asError(reason)); }); };
      // The predecessor may have left in the meantime.
      if (this.#isFree) this.openLater();
    }
  }

  /** The predecessor has given up the address. */
  openLater(): void {
    this.#isFree = true;
    this.#later?.();
    this.#later = undefined;
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

function accessTo(host: AdminHost): AdminAccess {
  return {
    status: () => host.status(),
    observe: (observer) => { host.observe(observer); },
    actions: {
      reload: () => host.reload({}),
      pause: (on) => { host.pause(on); },
      shutdown: () => { void host.shutdown(); },
      term: (pid) => host.pool('term').term(pid),
      kill: (pid) => host.pool('kill').kill(pid),
    },
  };
}

/**
 * Loads and opens the admin side. It is a file of its own, so that workers, and masters without it, never load it.
 *
 * @throws ListenError
 */
async function openAdminSide(config: AdminConfig, { status, observe, actions }: AdminAccess): Promise<Admin> {
  const { openAdmin } = await import(besideFor('Admin', 'admin.js').href) as typeof AdminEntry;
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
