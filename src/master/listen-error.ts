import { builtIn } from '../built-ins.js';
import { PreforkError } from '../errors.js';
import { isClusterWorker } from './host.js';

/** What failed, and where. */
export interface ListenFailure {
  readonly operation: string;
  /** The system's name for it. */
  readonly code: string;
  readonly errno: number;
  readonly where: string;
  /** How the message goes on after the code. Default: what is known about the code. */
  readonly advice?: string | undefined;
}

/** Why an address cannot be listened on, with the step that failed. */
export class ListenError extends PreforkError {
  readonly operation: string;
  readonly errno: number;
  /** The system's description of it. */
  readonly errstr: string;
  readonly #isUnowned: boolean;

  constructor({ operation, code, errno, where, advice, cause }: ListenFailure & { readonly cause: unknown }) {
    const isUsed = code === 'EADDRINUSE';
    super('ERR_PREFORK_LISTEN', `Cannot listen on ${where}: ${operation} failed with ${code}${advice ?? adviceFor(code, where)}${isUsed && isClusterWorker() ? OF_CLUSTER : ''}`, { cause });
    this.#isUnowned = isUsed && advice === undefined;
    this.operation = operation;
    this.errno = errno;
    this.errstr = builtIn('node:util').getSystemErrorMap().get(-errno)?.[1] ?? code;
  }

  /** Whether the address is in use, but not known by what. */
  get isUnowned(): boolean { return this.#isUnowned; }
}

/** Unlike servers of node:net, pools in several workers of a cluster share no port. */
const OF_CLUSTER = ' This process is a worker of node:cluster: if each of its workers constructs the server, let only one do it, or the primary, since the pool has workers of its own.';

/** Port 0 asks the system for any port. */
const adviceFor = (code: string, where: string): string => (
  code === 'EADDRINUSE' && where.endsWith(':0') ? '; every port that the system gives by itself is taken, many perhaps by connections that have just ended: try again in a minute, or choose a Port.' : ADVICE[code] ?? '.'
);

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: '; another program listens there: stop it or choose another Port or Address.',
  EADDRNOTAVAIL: '; this machine has no such address: choose one of its own, or leave Address out.',
  EACCES: '; ports below 1024 and foreign folders need the right to use them: choose another or start with that right.',
  ENOTFOUND: "; the name cannot be resolved: correct Hostname or Address. The path of a Unix socket has a slash (./x.sock), or needs Domain 'unix'.",
  ENOENT: '; there is no such name or folder: correct it.',
};

/** Makes the error for a status that libuv returned. @param advice - how the message goes on; default: what is known about the code */
export function systemListenError(operation: string, status: number, where: string, advice?: string): ListenError {
  const code = builtIn('node:util').getSystemErrorName(status);
  return codeListenError({ operation, code, errno: status, where, advice });
}

/** Makes the error for a failure that is known by its code. */
export function codeListenError(failure: ListenFailure): ListenError {
  const { operation, code, errno, where } = failure;
  const cause = Object.assign(new Error(`${operation} ${code} ${where}`), { code, errno, syscall: operation });
  return new ListenError({ ...failure, errno: Math.abs(errno), cause });
}
