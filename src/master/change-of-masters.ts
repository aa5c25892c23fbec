import { PreforkError } from '../errors.js';
import type { ResolvedOptions } from '../options/resolve.js';
import { outlived } from '../outlived.js';
import type { UpgradeResult } from '../server-events.js';
import type { ServerStatus } from '../status.js';
import type { AdminSide } from './admin-side.js';
import type { OpenSocket } from './open-socket.js';
import type { Outbox } from './outbox.js';
import type { Inheritance } from './predecessor.js';
import type { ReleaseSource } from './release.js';
import type { Service } from './service.js';
import { Succession } from './succession.js';
import { warner } from './unasked.js';
import { UpgradeError } from './upgrade-error.js';
import type { UpgradableServer, UpgradeOptions, Upgrades } from './upgrades.js';

/** How far a master has come. */
export type MasterPhase = 'binding' | 'running' | 'stopping' | 'stopped';

/** What a change of masters needs, on either side. */
export interface ChangeOfMastersParts {
  readonly options: () => ResolvedOptions;
  readonly upgrades: Upgrades;
  /** The main script of this process, which need not be that of its workers. */
  readonly program: ReleaseSource;
  /** The server that this one takes over from. */
  readonly inheritance: Inheritance | undefined;
  readonly outbox: Outbox;
  readonly admin: AdminSide;
  readonly service: Service | undefined;
  readonly phase: () => MasterPhase;
  readonly socket: () => OpenSocket | undefined;
  readonly isReloading: () => boolean;
  readonly status: () => ServerStatus;
  readonly isPaused: () => boolean;
  readonly pause: (on: boolean) => void;
  /** The pool is up beside the predecessor's. */
  readonly ready: () => void;
  /** Lets the pool take clients. */
  readonly accept: () => void;
  /** Lets the clients finish, since a successor goes on serving, here or at another address. */
  readonly leave: (reason: 'upgrade' | 'move') => Promise<void>;
  /** Ends the pool, since its predecessor goes on serving. @param grace - seconds; default GraceExpireTime */
  readonly end: (grace?: number) => Promise<void>;
}

/** What a server takes over from its predecessor, and hands over to its successor. */
export class ChangeOfMasters {
  readonly #parts: ChangeOfMastersParts;
  readonly #succession: Succession | undefined;
  readonly #upgradable: UpgradableServer;

  constructor(parts: ChangeOfMastersParts) {
    this.#parts = parts;
    this.#succession = parts.inheritance === undefined ? undefined : this.#succeed(parts.inheritance);
    this.#upgradable = this.#describe();
    parts.upgrades.add(this.#upgradable);
  }

  /** Whether there is, or was, a predecessor. */
  get isSuccessor(): boolean { return this.#succession !== undefined; }

  /** Whether no predecessor is the service any more: what its successor tells systemd would count as its own. */
  get #isService(): boolean { return this.#succession?.isOver !== false; }

  /** Whether there is a predecessor that takes the clients in the queue, whatever becomes of this server. */
  get isShared(): boolean { return this.#succession?.isShared ?? false; }

  /** Whether clients are left to a predecessor. */
  get isHeld(): boolean { return this.#succession?.isHeld ?? false; }

  /** Whether a successor is about to take over. */
  get isRunning(): boolean { return this.#parts.upgrades.isRunning; }

  /** A worker may take clients, for the first time. */
  accepted(): void {
    this.#succession?.accepted();
    // If the predecessor ended before this one ran, the service is its own already.
    if (this.#isService) this.#serviceReady();
  }

  /** The user has paused or resumed this server. */
  paused(on: boolean): void {
    this.#parts.upgrades.pause(this.#upgradable, on);
    this.#succession?.paused();
  }

  /** This server begins to drain. */
  stopping(): void {
    if (this.#isService) this.#parts.service?.stopping();
  }

  /** This server cannot work. */
  failed(error: Error): void {
    this.#succession?.failed(error);
  }

  /** This server ends, so that there is nothing to hand over, nor to take over. */
  abandon(): void {
    this.#parts.upgrades.abandon();
    this.failed(new PreforkError('ERR_PREFORK_STATE', 'The server was shut down.'));
  }

  /** Resolves when no successor is left that was given up: it would keep the socket open, and reset the clients in its queue at its end. undefined if there is none. */
  get alone(): Promise<void> | undefined { return this.#parts.upgrades.ended; }

  /** This server has ended. */
  async ended(): Promise<void> {
    this.#parts.upgrades.remove(this.#upgradable);
    await this.alone;
  }

  /** Ends the successor at once, unless it may have clients. */
  kill(): void {
    this.#parts.upgrades.kill();
  }

  /** A program that does not handle its failure goes on nevertheless: the pool serves as if nothing had been tried. */
  upgrade(options: UpgradeOptions): Promise<UpgradeResult> {
    return outlived(this.#upgrade(options), warner(this.#parts.outbox));
  }

  async #upgrade(options: UpgradeOptions): Promise<UpgradeResult> {
    const { outbox, phase, upgrades } = this.#parts;
    if (phase() === 'stopped') throw new PreforkError('ERR_PREFORK_STATE', 'upgrade() needs a running pool: await ready() before it, and call it before shutdown().');
    try {
      const result = await upgrades.request(options);
      outbox.emit('upgrade:done', result);
      return result;
    } catch (error) {
      if (error instanceof UpgradeError) outbox.emit('upgrade:failed', { error });
      throw error;
    }
  }

  /** A signal asks for it. Each of a program's servers gets the signal, and one upgrades for all. */
  upgradeUnasked(): void {
    if (this.#parts.phase() !== 'running' || this.isRunning) return;
    this.upgrade({}).catch(warner(this.#parts.outbox));
  }

  #serviceReady(): void {
    if (this.#parts.phase() === 'running') this.#parts.service?.ready();
  }

  #succeed(inheritance: Inheritance): Succession {
    const { accept, admin, end, isPaused, options, outbox, pause, ready, socket: socketOf, status } = this.#parts;
    const { target } = options().listen;
    const succession = new Succession({
      inheritance, accept, end, isPaused, pause, ready, status,
      mode: target.kind === 'unix' ? target.mode : undefined,
      over: () => {
        const socket = socketOf()?.socket;
        if (socket?.isInherited === true) socket.file = inheritance.socket.file ?? undefined;
        admin.openLater();
        this.#serviceReady();
      },
    });
    outbox.observe(succession.heard);
    return succession;
  }

  #describe(): UpgradableServer {
    const { admin, leave, options, program, service, socket } = this.#parts;
    const { alias, handlesSignals } = options().process;
    return {
      alias, program,
      notifies: service !== undefined,
      endsProcess: handlesSignals,
      settleMs: () => options().pool.settleMs,
      objection: () => this.#objection(),
      describe: () => {
        const { name: target = '', socket: { fd = -1, address = '', file = null } = {} } = socket() ?? {};
        return { fd, target, address, file, paused: this.#parts.isPaused() };
      },
      leave: (keepsSocket) => leave(keepsSocket ? 'move' : 'upgrade'),
      handOver: async (pid, keepsSocket) => {
        await service?.handOver(pid);
        admin.close();
        const own = socket()?.socket;
        if (own !== undefined && !keepsSocket) own.file = undefined;
      },
    };
  }

  #objection(): string | undefined {
    const { isReloading, phase } = this.#parts;
    if (phase() === 'binding') return 'does not run yet: await ready() before it.';
    if (phase() === 'running' && this.isHeld) return 'takes over from another process, which serves until then: call it again in a few seconds.';
    if (phase() !== 'running') return 'shuts down.';
    return isReloading() ? 'reloads: wait for its end.' : undefined;
  }
}
