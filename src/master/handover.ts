import type { Clock, Timer } from '../clock.js';
import { UPGRADE_VERSION, type ServerName, type ToPredecessor, type ToSuccessor } from '../ipc/upgrade-protocol.js';
import { UpgradeError, type UpgradeEvidence, type UpgradeFailure } from './upgrade-error.js';

/** The process that is to take over. */
export interface SuccessorProcess {
  /** 0 while it is not known, or if it could not be started. */
  readonly pid: number;
  send(message: ToSuccessor): void;
  /** Ends it at once. */
  kill(): void;
}

/** What a handover is made of. */
export interface HandoverParts {
  readonly clock: Clock;
  /** How long it may take from its start until it accepts. */
  readonly timeoutMs: number;
  /** How long it has to live once its pool is ready. */
  readonly settleMs: number;
  /** The servers that it has to bring up, all of them. */
  readonly servers: readonly ServerName[];
  /** Called when it accepts: gives up what only one process can have. */
  readonly commit: (pid: number) => Promise<void>;
}

/** How long a failed successor may take to end. */
const END_MS = 2000;
/** A timer this late shows that this process was blocked, and that messages of the successor may be waiting to be read. */
const ASLEEP_MS = 1000;
/** How long it has to accept before it is believed to survive that. Both pools accept meanwhile. */
const CONFIRM_MS = 500;
const KEPT_CHARACTERS = 4096;

/**
 * Watches a successor come up, from the side of the old master. Its pool has to become ready without taking clients, and live
 * for the settle time, so that a failure costs none; then it has to accept, beside the old pool; and only when it does, and answers
 * after that, is the service its own. Whatever fails before that ends the successor and leaves the old pool as it was.
 */
export class Handover {
  readonly outcome: Promise<{ readonly pid: number }>;
  /** Resolves when the successor has ended (or is stuck in the kernel), or is to live on without this process. */
  readonly released: Promise<void>;
  readonly #parts: HandoverParts;
  readonly #startedAt: number;
  #succeed!: (result: { readonly pid: number }) => void;
  #reject!: (error: Error) => void;
  #release!: () => void;
  #successor: SuccessorProcess | undefined;
  #confirms = false;
  /** It may have clients, and can let them finish. */
  #mayServe = false;
  /** It is killed unless it answers. */
  #isAsked = false;
  #stage: 'starting' | 'settling' | 'going' | 'confirming' | 'committing' | 'ending' | 'over' = 'starting';
  readonly #ready = new Set<string>();
  readonly #accepting = new Set<string>();
  readonly #declined = new Set<string>();
  #stderr = '';
  #verdict: { readonly reason: UpgradeFailure; readonly detail: string | undefined } | undefined;
  #deadline: Timer | undefined;
  #settling: Timer | undefined;
  #ending: Timer | undefined;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.outcome = new Promise((resolve, reject) => {
      this.#succeed = resolve;
      this.#reject = reject;
    });
    this.released = new Promise((resolve) => { this.#release = resolve; });
    this.#await(parts.timeoutMs);
  }

  /** Whether the service is still this process's own. */
  get isOpen(): boolean {
    return this.#stage !== 'committing' && this.#stage !== 'over';
  }

  /** Whether the successor ends with this process: it does until it has the service, but not if it was given up when it might have had clients, and has answered since. */
  get isBound(): boolean {
    return this.isOpen || !this.#mayServe;
  }

  begin(successor: SuccessorProcess): void {
    this.#successor = successor;
  }

  /** Whether a server has a socket of its own in the successor, and has left the old one's clients where they are. */
  hasDeclined(server: ServerName): boolean {
    return this.#declined.has(keyOf(server));
  }

  heard(message: ToPredecessor): void {
    switch (message.type) {
      case 'pid': return;
      case 'hello':
        this.#confirms = message.confirms === true;
        if (message.version !== UPGRADE_VERSION) this.#fail('version', `it is ${String(message.version)}, and ours ${UPGRADE_VERSION}`);
        return;
      case 'stderr':
        this.#stderr = (this.#stderr + message.text).slice(-KEPT_CHARACTERS);
        return;
      case 'declined':
        this.#declined.add(keyOf(message.server));
        return;
      case 'ready':
        this.#ready.add(keyOf(message.server));
        if (this.#stage === 'starting' && this.#hasAll(this.#ready)) this.#settle();
        return;
      case 'accepting':
        this.#accepting.add(keyOf(message.server));
        if (this.#stage === 'going' && this.#hasAll(this.#accepting)) this.#confirm();
        return;
      case 'confirmed':
        if (this.#stage === 'confirming') void this.#commit();
        else if (this.#isAsked) this.#answered();
        return;
      case 'failed': this.#fail(this.#stage === 'starting' ? 'boot' : 'crashed', message.message);
    }
  }

  /** Its process is gone, or could not be started. */
  exited(exit: UpgradeEvidence['exit'], cause?: Error): void {
    this.#ending?.cancel();
    this.#release();
    if (!this.isOpen) return;
    const { reason, detail } = this.#verdict ?? { reason: this.#stage === 'starting' ? 'boot' : 'crashed', detail: undefined };
    this.#close(reason, { exit, detail, cause });
  }

  /** The user has paused or resumed a server: the successor follows until the service is its own. */
  pause(server: ServerName, on: boolean): void {
    if (this.#stage !== 'ending' && this.#stage !== 'over') this.#successor?.send({ type: 'pause', server, on });
  }

  /** The pool that was to be relieved is ending. */
  abandon(error: Error): void {
    if (!this.isOpen) return;
    if (this.#stage !== 'ending') this.#end({ type: 'abort', ...(this.#mayServe && { isLast: true }) });
    this.#over();
    this.#reject(error);
  }

  #hasAll(some: ReadonlySet<string>): boolean {
    return this.#parts.servers.every((server) => some.has(keyOf(server)));
  }

  #settle(): void {
    this.#stage = 'settling';
    this.#settling = this.#parts.clock.after(this.#parts.settleMs, () => {
      this.#stage = 'going';
      this.#mayServe = true;
      this.#successor?.send({ type: 'go' });
    });
  }

  /** One that accepts may end of just that: saying so may be its last act. */
  #confirm(): void {
    const { clock, settleMs } = this.#parts;
    this.#stage = 'confirming';
    this.#settling = clock.after(Math.min(settleMs, CONFIRM_MS), () => {
      if (this.#confirms) this.#successor?.send({ type: 'confirm' });
      else void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    this.#stage = 'committing';
    this.#deadline?.cancel();
    const pid = this.#successor?.pid ?? 0;
    await this.#parts.commit(pid);
    this.#successor?.send({ type: 'over' });
    this.#over();
    this.#succeed({ pid });
  }

  #await(delayMs: number): void {
    const { clock } = this.#parts;
    const dueAt = clock.now() + delayMs;
    this.#deadline = clock.after(delayMs, () => {
      if (clock.now() - dueAt > ASLEEP_MS) this.#await(ASLEEP_MS);
      else this.#fail('timeout', this.#missing());
    });
  }

  #missing(): string {
    const { clock, servers } = this.#parts;
    const waited = `${((clock.now() - this.#startedAt) / 1000).toFixed(1)} s`;
    if (this.#stage === 'confirming') return `after ${waited} it did not answer any more`;
    const isReady = this.#stage === 'starting';
    const seen = isReady ? this.#ready : this.#accepting;
    const names = servers.filter((server) => !seen.has(keyOf(server))).map(({ alias }) => alias);
    return `after ${waited} no ${isReady ? 'pool' : 'worker'} of the server ${names.join(', ')} ${isReady ? 'was ready' : 'accepted'}`;
  }

  #fail(reason: UpgradeFailure, detail: string): void {
    if (!this.isOpen || this.#verdict !== undefined) return;
    this.#verdict = { reason, detail };
    this.#stage = 'ending';
    this.#deadline?.cancel();
    this.#settling?.cancel();
    if (this.#mayServe && reason !== 'timeout') {
      this.#successor?.send({ type: 'abort' });
      this.#close(reason, { exit: undefined, detail });
    } else this.#end({ type: 'abort' });
  }

  /**
   * Asks it to end, and kills it if it does not. One that may have clients has only to answer, and lets them finish; if it hangs, its
   * workers do that without it. The timers keep this process alive: shutdown() waits for that end, and the pool may be gone by then.
   */
  #end(abort: ToSuccessor): void {
    this.#successor?.send(abort);
    if (this.#mayServe && !this.#confirms) return this.#answered();
    this.#isAsked = this.#mayServe;
    this.#mayServe = false;
    if (this.#isAsked) this.#successor?.send({ type: 'confirm' });
    this.#ending = this.#parts.clock.after(END_MS, () => {
      this.#successor?.kill();
      // If its end is not seen even then, it is stuck in the kernel.
      this.#ending = this.#parts.clock.after(END_MS, () => { this.exited(undefined); });
    });
  }

  /** It does not hang. */
  #answered(): void {
    this.#isAsked = false;
    this.#mayServe = true;
    this.#ending?.cancel();
    if (!this.isOpen) this.#release();
    else if (this.#verdict !== undefined) this.#close(this.#verdict.reason, { exit: undefined, detail: this.#verdict.detail });
  }

  #close(reason: UpgradeFailure, rest: Pick<UpgradeEvidence, 'exit' | 'detail' | 'cause'>): void {
    this.#over();
    const pid = this.#successor?.pid ?? 0;
    this.#reject(new UpgradeError({ reason, pid: pid === 0 ? undefined : pid, stderr: this.#stderr, ...rest }));
  }

  #over(): void {
    this.#stage = 'over';
    this.#deadline?.cancel();
    this.#settling?.cancel();
    if (!this.isBound) this.#release();
  }
}

const keyOf = ({ alias, ordinal }: ServerName): string => `${ordinal}:${alias}`;
