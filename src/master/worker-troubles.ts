import type { SendHandle } from 'node:child_process';
import { PreforkError } from '../errors.js';
import { stalledText } from '../ipc/backlog.js';

/** What a worker can be sent, or send, that has no place in the protocol. */
type Handle = SendHandle & { destroy?(): unknown; close?(): unknown };

/** What goes wrong between the master and the process of one worker, and would go unnoticed: in words, with what to do. */
export class WorkerTroubles {
  readonly #pid: number;
  readonly #say: (error: PreforkError, where: string) => void;
  #isOutOfReach = false;
  #hasGivenHandle = false;

  constructor(pid: number, say: (error: PreforkError, where: string) => void) {
    this.#pid = pid;
    this.#say = say;
  }

  /** It does not read what it is sent. */
  unread(): void {
    this.#say(new PreforkError('ERR_PREFORK_MESSAGE', stalledText(`Worker ${this.#pid}`)), 'message');
  }

  /** It uses the processor, and makes no server. */
  computes(script: string, alias: string): void {
    this.#say(new PreforkError(
      'ERR_PREFORK_WORKER_BOOT',
      `Worker ${this.#pid} has computed for ten seconds and made no PreforkTcpServer with the Alias '${alias}': if its program, ${script}, is in a loop, make the server before it. Its end comes with the start limit.`,
    ), 'start');
  }

  /** A message or a signal did not reach it. Said once: a signal is tried again. */
  undelivered(cause: NodeJS.ErrnoException): void {
    if (cause.code !== 'EPERM' || cause.syscall !== 'kill' || this.#isOutOfReach) return;
    this.#isOutOfReach = true;
    this.#say(new PreforkError(
      'ERR_PREFORK_STATE',
      `Worker ${this.#pid} is to be killed, and this process may not (EPERM): it runs under another account. End it with kill -9 ${this.#pid}, as one who may. `
        + 'So that the master can: the options User and Group in the place of process.setuid(), and in a container the capability KILL.',
      { cause },
    ), 'kill');
  }

  /** `process.send()` came with a handle, which no one here can get: left open, its client would wait for an answer without end. */
  givenHandle(handle: Handle): void {
    if (handle.destroy !== undefined) handle.destroy();
    else handle.close?.();
    if (this.#hasGivenHandle) return;
    this.#hasGivenHandle = true;
    this.#say(new PreforkError(
      'ERR_PREFORK_MESSAGE',
      `Worker ${this.#pid} sent a socket by process.send(): the master passes none on, and has closed it. Send it to a process of your own.`,
    ), 'message');
  }
}
