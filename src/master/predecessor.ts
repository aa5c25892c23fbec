import type { Clock } from '../clock.js';
import { UPGRADE_VERSION, type HandedSocket, type ServerName, type ToPredecessor, type ToSuccessor, type UpgradeMark } from '../ipc/upgrade-protocol.js';

/** What a server does when its predecessor tells it to. */
export interface Heir {
  /** Accepts, beside the predecessor. */
  go(): void;
  /** The user has paused or resumed the predecessor. */
  pause(on: boolean): void;
  /** The predecessor has given up what only one process can have. */
  over(): void;
  /**
   * The upgrade has failed: lets its clients finish.
   *
   * @param how - `grace`: within so many seconds, default GraceExpireTime; `isLast`: takes those in the queue first, for the predecessor ends, too
   */
  end(how: AbortHow): Promise<void>;
}

/** How a server ends whose upgrade has failed. */
export interface AbortHow {
  readonly grace: number | undefined;
  readonly isLast: boolean;
}

/** What one server inherits. */
export interface Inheritance {
  readonly socket: HandedSocket;
  /** The server is to have another address, and a socket of its own. */
  decline(): void;
  /** Sets what is called for what follows. */
  attach(heir: Heir): void;
  ready(): void;
  accepting(): void;
  failed(error: Error): void;
}

/** What connects the process with its predecessor. */
export interface PredecessorParts {
  readonly clock: Clock;
  readonly mark: UpgradeMark;
  readonly send: (message: ToPredecessor) => void;
  /** There is nothing more to say. */
  readonly disconnect: () => void;
  readonly close: (fd: number) => void;
  readonly exit: (code: number) => void;
}

/**
 * The master that this one is to take over from, as seen from here. If it ends before it has handed over the service, there
 * is no other master left, so the service is ours.
 */
export class Predecessor {
  readonly #parts: PredecessorParts;
  readonly #heirs = new Map<HandedSocket, Heir>();
  /** What the user has paused or resumed since this process was started. */
  readonly #paused = new Map<HandedSocket, boolean>();
  readonly #untaken: Set<HandedSocket>;
  #state: 'waiting' | 'going' | 'over' = 'waiting';

  constructor(parts: PredecessorParts) {
    this.#parts = parts;
    this.#untaken = new Set(parts.mark.servers);
    parts.send({ type: 'hello', version: UPGRADE_VERSION, confirms: true });
  }

  /** What a server inherits; undefined if the predecessor had none of that name, or has gone already. */
  claim({ alias, ordinal }: ServerName): Inheritance | undefined {
    const socket = this.#find({ alias, ordinal });
    if (socket === undefined || this.#state === 'over') return undefined;
    this.#untaken.delete(socket);
    const { send, close } = this.#parts;
    const server = { alias, ordinal };
    return {
      socket: { ...socket, paused: this.#paused.get(socket) ?? socket.paused },
      decline: () => {
        close(socket.fd);
        send({ type: 'declined', server });
      },
      attach: (heir) => {
        this.#heirs.set(socket, heir);
        if (this.#state !== 'waiting') heir.go();
        if (this.#state === 'over') heir.over();
      },
      ready: () => { send({ type: 'ready', server }); },
      accepting: () => { send({ type: 'accepting', server }); },
      failed: ({ message }) => { if (this.#state !== 'over') send({ type: 'failed', message }); },
    };
  }

  heard(message: ToSuccessor): void {
    switch (message.type) {
      case 'go': return this.#go();
      case 'confirm': return this.#parts.send({ type: 'confirmed' });
      case 'pause': return this.#pause(message);
      case 'over': return this.gone();
      case 'abort': void this.#abort(message.isLast === true);
    }
  }

  /** The service is ours, because the predecessor said so or has ended. */
  gone(): void {
    if (this.#state === 'over') return;
    this.#go();
    this.#state = 'over';
    for (const heir of this.#heirs.values()) heir.over();
    for (const { fd } of this.#untaken) this.#parts.close(fd);
    this.#parts.disconnect();
  }

  #go(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'going';
    for (const heir of this.#heirs.values()) heir.go();
  }

  #pause({ server, on }: ToSuccessor & { readonly type: 'pause' }): void {
    const socket = this.#find(server);
    if (socket === undefined || this.#state === 'over') return;
    this.#paused.set(socket, on);
    this.#heirs.get(socket)?.pause(on);
  }

  #find({ alias, ordinal }: ServerName): HandedSocket | undefined {
    return this.#parts.mark.servers.find((one) => one.alias === alias && one.ordinal === ordinal);
  }

  async #abort(isLast: boolean): Promise<void> {
    if (this.#state === 'over') return;
    const grace = this.#state === 'going' ? undefined : 0;
    this.#state = 'over';
    // Even without clients: a worker that hangs at its start, as those of a bad release do, would outlive this process.
    await Promise.all([...this.#heirs.values()].map((heir) => heir.end({ grace, isLast })));
    this.#parts.exit(1);
  }
}
