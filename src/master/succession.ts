import { chmodSync } from 'node:fs';
import type { PoolObserver } from '../pool-event.js';
import type { ServerStatus } from '../status.js';
import type { Inheritance } from './predecessor.js';

/** The server that takes over, as far as its succession needs it. */
export interface SuccessionParts {
  readonly inheritance: Inheritance;
  readonly status: () => ServerStatus;
  /** Whether the user wants no clients to be taken. */
  readonly isPaused: () => boolean;
  readonly pause: (on: boolean) => void;
  /** The mode that the socket's file is to have. */
  readonly mode: number | undefined;
  /** The pool could serve. */
  readonly ready: () => void;
  /** Lets the pool take clients. */
  readonly accept: () => void;
  /** The service is this server's own. */
  readonly over: () => void;
  /** Lets the clients finish. @param grace - seconds; default GraceExpireTime */
  readonly end: (grace?: number) => Promise<void>;
}

/**
 * How one server takes over from its predecessor: its pool comes up without taking a client, takes clients when told to, and
 * gets what only one process can have once the predecessor has given it up.
 */
export class Succession {
  readonly #parts: SuccessionParts;
  #isReady = false;
  #hasGone = false;
  #canAccept = false;
  #isAccepting = false;
  #isOver = false;
  #isLast = false;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
    parts.inheritance.attach({
      go: () => { this.#go(); },
      pause: (on) => { parts.pause(on); },
      over: () => {
        this.#isOver = true;
        this.#chmod();
        parts.over();
      },
      end: ({ grace, isLast }) => {
        this.#isLast = isLast;
        return parts.end(grace);
      },
    });
  }

  /** Whether clients are left to the predecessor. */
  get isHeld(): boolean {
    return !this.#hasGone;
  }

  /** Whether the predecessor has given up everything. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the predecessor takes the clients in the queue, whatever becomes of this server. */
  get isShared(): boolean {
    return !this.#isOver && !this.#isLast;
  }

  /** Follows the pool: it is ready when all workers that were started are. While it has no clients, one that ends by itself shows that the release is bad. */
  readonly heard: PoolObserver = (event) => {
    const { name } = event;
    if (name === 'worker:exit' && event.detail.reason === 'crashed' && this.isHeld) {
      this.failed(new Error(`worker ${event.detail.pid}, which had no clients yet, ended (${event.detail.text})`));
    }
    if (this.#isReady || (name !== 'worker:ready' && name !== 'worker:exit')) return;
    const { workers } = this.#parts.status();
    if (!workers.some(({ phase }) => phase === 'ready') || workers.some(({ phase }) => phase === 'starting')) return;
    this.#isReady = true;
    this.#parts.ready();
    this.#parts.inheritance.ready();
  };

  /** A worker may take clients. */
  accepted(): void {
    this.#canAccept = true;
    this.#report();
  }

  /** The user has paused or resumed the pool, here or at the predecessor: a paused one accepts when it would if it were resumed. */
  paused(): void {
    this.#report();
  }

  failed(error: Error): void {
    this.#parts.inheritance.failed(error);
  }

  #go(): void {
    this.#hasGone = true;
    this.#parts.accept();
    this.#report();
  }

  #report(): void {
    if (this.#isAccepting || !this.#hasGone || !(this.#canAccept || this.#parts.isPaused())) return;
    this.#isAccepting = true;
    this.#parts.inheritance.accepting();
  }

  #chmod(): void {
    const { inheritance: { socket: { file } }, mode } = this.#parts;
    if (file === null || mode === undefined) return;
    try {
      chmodSync(file.path, mode);
    } catch {
      // It has been removed: then no client can connect through it, whatever its mode.
    }
  }
}
