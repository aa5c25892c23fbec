import type { Clock } from '../clock.js';
import { PreforkError } from '../errors.js';
import { FIRST_SOCKET_FD, UPGRADE_MARK, UPGRADE_VERSION, type HandedSocket, type ServerName, type UpgradeMark } from '../ipc/upgrade-protocol.js';
import { isEvalFlag, isExecutable } from '../options/main-script.js';
import { Handover, type SuccessorProcess } from './handover.js';
import type { ReleaseSource } from './release.js';
import type { SuccessorCommand, SuccessorEvents } from './successor-process.js';
import { masterEnvironment, withoutInspector } from './worker-command.js';

/** How a successor is started. */
export interface UpgradeOptions {
  /** Seconds from its start until it accepts. Default 60. */
  readonly timeout?: number | undefined;
  /** The program that runs it. Default that of this process. */
  readonly execPath?: string | undefined;
  /** Node's own arguments. Default those of this process, without inspector ports. */
  readonly execArgv?: readonly string[] | undefined;
  /** Arguments of the main script. Default those of this process. */
  readonly args?: readonly string[] | undefined;
}

/** A server of this process, as far as an upgrade needs it. */
export interface UpgradableServer {
  readonly alias: string;
  /** Why it cannot be handed over now, as the end of a sentence; undefined = it can. */
  readonly objection: () => string | undefined;
  /** Its socket. */
  readonly describe: () => Omit<HandedSocket, keyof ServerName>;
  /** How long the successor has to live, in milliseconds. */
  readonly settleMs: () => number;
  /** Whether systemd is to be told. */
  readonly notifies: boolean;
  /** Whether this library ends the process. */
  readonly endsProcess: boolean;
  /** The main script and the folder of this process, by the paths that led to them. */
  readonly program: ReleaseSource;
  /** Gives up what only one process can have. @param keepsSocket - the successor has another socket, at another address */
  readonly handOver: (pid: number, keepsSocket: boolean) => Promise<void>;
  /** Lets its clients finish; resolves when the last worker is gone. @param keepsSocket - the clients in its queue remain its own */
  readonly leave: (keepsSocket: boolean) => Promise<void>;
}

/** What upgrades of a process are made of. */
export interface UpgradesParts {
  readonly clock: Clock;
  readonly process: Pick<NodeJS.Process, 'pid' | 'execPath' | 'execArgv' | 'argv' | 'env' | 'once' | 'off'> & { readonly exit: () => void };
  /** The program that is process 1 and the parent of this process, and may end with it; undefined = there is none. */
  readonly init: string | undefined;
  readonly start: (command: SuccessorCommand, events: SuccessorEvents) => SuccessorProcess;
}

const DEFAULT_TIMEOUT_S = 60;

/**
 * The servers of this process and its successor. A program is started anew as a whole, so all of its servers change over
 * together, and each has to come up in the successor, under the same Alias.
 */
export class Upgrades {
  readonly #parts: UpgradesParts;
  readonly #servers = new Set<UpgradableServer>();
  /** The successors that end with this process: how to kill each, and its end. */
  readonly #bound = new Map<() => void, Promise<void>>();
  #current: Handover | undefined;

  constructor(parts: UpgradesParts) {
    this.#parts = parts;
  }

  add(server: UpgradableServer): void {
    this.#servers.add(server);
  }

  remove(server: UpgradableServer): void {
    this.#servers.delete(server);
  }

  get isRunning(): boolean {
    return this.#current !== undefined;
  }

  /** The user has paused or resumed a server. */
  pause(server: UpgradableServer, on: boolean): void {
    const servers = [...this.#servers];
    this.#current?.pause(nameOf(servers, servers.indexOf(server)), on);
  }

  /** One of the servers ends, so that there is nothing to hand over. */
  abandon(): void {
    this.#current?.abandon(stateError('The server is shut down, so the upgrade comes to nothing.'));
  }

  /** Resolves when successors that were given up have ended: one that hangs must not outlive this process. undefined if there are none. */
  get ended(): Promise<void> | undefined {
    return this.#bound.size === 0 ? undefined : Promise.all(this.#bound.values()).then(() => undefined);
  }

  /** Ends them at once. */
  kill(): void {
    for (const kill of this.#bound.keys()) kill();
  }

  /** @throws PreforkError ERR_PREFORK_STATE if nothing can be started now; UpgradeError with what is known about the successor that failed */
  async request(options: UpgradeOptions): Promise<{ pid: number }> {
    const timeoutMs = (options.timeout ?? DEFAULT_TIMEOUT_S) * 1000;
    const servers = [...this.#servers];
    const objection = this.#objection(servers);
    if (objection !== undefined) throw stateError(objection);
    const sockets = servers.map((server) => server.describe());
    const handed = sockets.map((socket, index): HandedSocket => ({
      ...socket, ...nameOf(servers, index), fd: FIRST_SOCKET_FD + index,
    }));
    const handover = new Handover({
      clock: this.#parts.clock, timeoutMs,
      settleMs: Math.min(Math.max(...servers.map((server) => server.settleMs())), timeoutMs / 2),
      servers: handed.map(({ alias, ordinal }) => ({ alias, ordinal })),
      commit: async (pid) => { await Promise.all(servers.map((server, index) => server.handOver(pid, keepsSocket(index)))); },
    });
    const keepsSocket = (index: number): boolean => handover.hasDeclined(nameOf(servers, index));
    this.#current = handover;
    let successor: SuccessorProcess | undefined;
    this.#bind(handover, () => { successor?.kill(); });
    try {
      successor = this.#parts.start(this.#command(options, servers, {
        mark: { version: UPGRADE_VERSION, servers: handed }, sockets: sockets.map(({ fd }) => fd),
      }), {
        heard: (message) => { handover.heard(message); },
        exited: (exit, cause) => { handover.exited(exit, cause); },
      });
      handover.begin(successor);
      const { pid } = await handover.outcome;
      this.#leave(servers.map((server, index) => [server, keepsSocket(index)]));
      return { pid };
    } finally {
      this.#current = undefined;
    }
  }

  /** Makes a successor end with this process, until that is over. */
  #bind(handover: Handover, end: () => void): void {
    const { process } = this.#parts;
    const kill = (): void => { if (handover.isBound) end(); };
    process.once('exit', kill);
    this.#bound.set(kill, handover.released.then(() => {
      process.off('exit', kill);
      this.#bound.delete(kill);
    }));
  }

  #objection(servers: readonly UpgradableServer[]): string | undefined {
    const { process, init } = this.#parts;
    if (this.#current !== undefined) return 'upgrade() was called during another upgrade: wait for its end.';
    const container = process.pid === 1 ? 'this process has pid 1, so the container would end with it'
      : init === undefined ? undefined : `the parent of this process is process 1, ${init}, so a container may end when it does`;
    if (container !== undefined) return `upgrade() does not work here: ${container}, and the successor with it. Replace the container; reload() brings new code for the workers.`;
    if (this.#script() === '' && !process.execArgv.some(isEvalFlag)) return 'upgrade() does not work here: this program came from standard input, and cannot be started again.';
    for (const server of servers) {
      const objection = server.objection();
      if (objection !== undefined) return `upgrade() needs every server of this program, and '${server.alias}' ${objection}`;
    }
    return undefined;
  }

  /** The main script; empty if there is none. */
  #script(): string {
    const [server] = this.#servers;
    return server?.program.script ?? '';
  }

  #command({ execPath, execArgv, args }: UpgradeOptions, servers: readonly UpgradableServer[], { mark, sockets }: { readonly mark: UpgradeMark; readonly sockets: readonly number[] }): SuccessorCommand {
    const { process } = this.#parts;
    const script = this.#script();
    const directory = servers[0]?.program.directory ?? '.';
    const env = masterEnvironment(process.env);
    if (env['PWD'] !== undefined) env['PWD'] = directory;
    return {
      execPath: execPath ?? process.execPath,
      execArgv: execArgv ?? withoutInspector(process.execArgv),
      args: [...(script === '' || isExecutable() ? [] : [script]), ...(args ?? process.argv.slice(script === '' ? 1 : 2))],
      directory, sockets,
      env: { ...env, [UPGRADE_MARK]: JSON.stringify(mark) },
      orphaned: servers.some(({ notifies }) => notifies),
    };
  }

  /** Another process is the service now: this one serves its clients to the end. */
  #leave(servers: readonly (readonly [server: UpgradableServer, keepsSocket: boolean])[]): void {
    void Promise.all(servers.map(([server, keepsSocket]) => server.leave(keepsSocket))).then(() => {
      if (servers.every(([{ endsProcess }]) => endsProcess)) this.#parts.process.exit();
    });
  }
}

/** In the successor, servers of the same Alias are counted in the order of their construction. */
function nameOf(servers: readonly UpgradableServer[], index: number): ServerName {
  const alias = servers[index]?.alias ?? '';
  return { alias, ordinal: servers.slice(0, index + 1).filter((server) => server.alias === alias).length };
}

const stateError = (text: string): PreforkError => new PreforkError('ERR_PREFORK_STATE', text);
