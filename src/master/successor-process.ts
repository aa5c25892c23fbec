import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { beside } from '../beside.js';
import { builtIn } from '../built-ins.js';
import { systemClock } from '../clock.js';
import { asError } from '../errors.js';
import { CHANNEL_FD, readMessages, type ToPredecessor } from '../ipc/upgrade-protocol.js';
import type { SuccessorProcess } from './handover.js';

/** How a successor is started. */
export interface SuccessorCommand {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  /** The script and its arguments. */
  readonly args: readonly string[];
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors of the sockets, in the order of the mark. */
  readonly sockets: readonly number[];
  /** Whether it must not be a child of this process: systemd accepts only a child of its own as the main process (sd_notify(3), MAINPID). */
  readonly orphaned: boolean;
}

/** What happens to it. */
export interface SuccessorEvents {
  heard(message: ToPredecessor): void;
  /** Called once; undefined if it is not known how it ended. */
  exited(exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined, cause?: Error): void;
}

/** Starts it from a shell that ends at once, with the same standard input, which a shell would not give to a background process. */
const ORPHANED = `exec 9<&0; "$@" <&9 9<&- & echo "{\\"type\\":\\"pid\\",\\"pid\\":$!}" >&${CHANNEL_FD}`;

/** How long its exit may take to be seen after it has closed the pipe. */
const EXIT_MS = 500;

/** Starts a successor of this process, with the same standard streams. */
export function startSuccessor({ execPath, execArgv, args, directory, env, sockets, orphaned }: SuccessorCommand, events: SuccessorEvents): SuccessorProcess {
  const command = [execPath, ...recorder(), ...execArgv, ...args];
  const [file = execPath, ...rest] = orphaned ? ['sh', '-c', ORPHANED, 'sh', ...command] : command;
  const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', 'pipe', ...sockets];
  let isOver = false;
  let pid = 0;
  const over: SuccessorEvents['exited'] = (exit, cause) => {
    if (isOver) return;
    isOver = true;
    events.exited(exit, cause);
  };
  let child: ChildProcess;
  try {
    child = builtIn('node:child_process').spawn(file, rest, { cwd: directory, env, stdio });
  } catch (error) {
    systemClock.soon(() => { over(undefined, asError(error)); });
    return { pid: 0, send: nothing, kill: nothing };
  }
  // Without descriptors Node makes a child without stdio, whatever its types say.
  const channel = (child.stdio as readonly unknown[] | undefined)?.[CHANNEL_FD] as Socket | undefined;
  if (!orphaned) pid = child.pid ?? 0;
  const hear = readMessages((said) => {
    const message = said as ToPredecessor;
    if (orphaned && message.type === 'pid') ({ pid } = message);
    events.heard(message);
  });
  channel?.setEncoding('utf8').on('data', hear).on('error', nothing);
  // After its last message. Without the pipe nothing more can be agreed with it, whether or not it lives.
  channel?.once('close', () => {
    if (orphaned) over(undefined);
    else systemClock.after(EXIT_MS, () => { over(undefined); }, { idle: true });
  });
  child.once('error', (error) => { if (child.pid === undefined) over(undefined, error); });
  if (!orphaned) child.once('close', (code, signal) => { over({ code, signal }); });
  child.unref();
  return {
    get pid() { return pid; },
    send: (message) => { channel?.write(`${JSON.stringify(message)}\n`); },
    kill: () => { if (!isOver && pid !== 0) kill(pid); },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** What makes it report what it writes to stderr; nothing if a bundler has left that out. */
function recorder(): readonly string[] {
  const url = beside('last-words.cjs');
  return url === undefined ? [] : ['--require', fileURLToPath(url)];
}

function nothing(): void {
  // It has gone, as its exit will show.
}
