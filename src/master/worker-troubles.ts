import type { SendHandle } from 'node:child_process';
import { PreforkError } from '../errors.js';
import { stalledText } from '../ipc/backlog.js';

/** A handle that is sent to or by a worker outside the protocol. */
type Handle = SendHandle & { destroy?(): unknown; close?(): unknown };

/** Problems between the master and one worker's process that would otherwise go unnoticed: in words, with what to do. */
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

  /** It uses the processor but makes no server. */
  computes(script: string, alias: string): void {
    this.#say(new PreforkError(
      'ERR_PREFORK_WORKER_BOOT',
      `Worker ${this.#pid} has used ten seconds of processor time and has not made a PreforkTcpServer with the Alias '${alias}': if its program, ${script}, runs in a loop, make the server before the loop. The start limit will end the worker.`,
    ), 'start');
  }

  /** A message or a signal did not reach it. Reported once, since a signal is tried again. */
  undelivered(cause: NodeJS.ErrnoException): void {
    if (cause.code !== 'EPERM' || cause.syscall !== 'kill' || this.#isOutOfReach) return;
    this.#isOutOfReach = true;
    this.#say(new PreforkError(
      'ERR_PREFORK_STATE',
      `Worker ${this.#pid} has to be killed, but this process is not permitted to (EPERM): the worker runs under another account. End it as root with kill -9 ${this.#pid}. `
        + 'For the master to be able to, use the options User and Group instead of process.setuid(), and give a container the capability KILL.',
      { cause },
    ), 'kill');
  }

  /** `process.send()` came with a handle, which nothing here can take: if it stayed open, its client would wait for an answer in vain. */
  givenHandle(handle: Handle): void {
    if (handle.destroy !== undefined) handle.destroy();
    else handle.close?.();
    if (this.#hasGivenHandle) return;
    this.#hasGivenHandle = true;
    this.#say(new PreforkError(
      'ERR_PREFORK_MESSAGE',
      `Worker ${this.#pid} sent a socket by process.send(): the master does not pass sockets on, and has closed it. Send it to a process of your own.`,
    ), 'message');
  }
}
