import { checkOptions } from './calls.js';
import { PreforkError } from './errors.js';
import { outlived } from './outlived.js';
import type { Master } from './master/master.js';
import type { WorkerRuntime } from './worker/runtime.js';

/** What a program's own messages go through: in a worker its channel to the master, elsewhere the pool, or why there is none. */
export interface MessageSides {
  readonly worker: WorkerRuntime | undefined;
  readonly isMaster: boolean;
  /** @throws PreforkError ERR_PREFORK_STATE outside the master */
  readonly master: (call: string) => Master;
}

/** As PreforkTcpServer's `send()`. */
export function send({ worker, master }: MessageSides, given: readonly [message: unknown] | readonly [pid: number, message: unknown]): boolean {
  if (worker !== undefined) {
    if (given.length === 1) return worker.messages.send(given[0]);
    throw new PreforkError('ERR_PREFORK_STATE', 'send(pid, message) works in the master; in a worker send(message) reaches the master, and broadcast(message) every worker.');
  }
  const pool = master('send').pool('send');
  if (given.length === 2) return pool.messages.send(given[0], given[1]);
  throw new PreforkError('ERR_PREFORK_STATE', 'send(message) works in a worker; in the master, send(pid, message) takes the pid of a worker first.');
}

/** As PreforkTcpServer's `broadcast()`. */
export function broadcast({ worker, master }: MessageSides, message: unknown): number {
  if (worker !== undefined) return worker.messages.broadcast(message) ? 1 : 0;
  return master('broadcast').pool('broadcast').messages.broadcast(message);
}

/** As PreforkTcpServer's `ask()`. */
export function ask({ worker, isMaster }: MessageSides, message: unknown, options: { readonly timeout?: number | undefined }): Promise<unknown> {
  if (worker === undefined) {
    const refused = Promise.reject(new PreforkError('ERR_PREFORK_STATE', 'ask() works in a worker only; ask server.isWorker first.'));
    return isMaster ? outlived(refused, (error) => { process.emitWarning(error); }) : refused;
  }
  const attempt = async (): Promise<unknown> => {
    checkOptions('ask', options);
    return worker.messages.ask(message, options.timeout);
  };
  // Before its first client a worker is not worth keeping alive: half a program, whose script has failed, must not pass a trial.
  const answer = outlived(attempt(), (error) => { worker.failed(error, 'ask()'); }, () => worker.hasServed);
  // It may be awaited later, or never: a missing answer must not cost the worker's clients.
  answer.catch(() => undefined);
  return answer;
}
