import { AsyncResource } from 'node:async_hooks';
import type { ChildProcess, SendHandle, SpawnOptions as NodeSpawnOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { builtIn } from '../built-ins.js';
import { systemClock } from '../clock.js';
import { asError, type PreforkError } from '../errors.js';
import { ProcessChannel, trace } from '../ipc/channel.js';
import { HANG_FD, readHangReports, type HangReport } from '../ipc/hang-report.js';
import { foreignVersion, isOurs, parseToMaster } from '../ipc/protocol.js';
import type { ToMaster, ToWorker } from '../ipc/protocol.js';
import { WORKER_CONDITION } from '../mark.js';
import type { Release } from './release.js';
import { ShownTexts, StartOutput } from './start-output.js';
import { StartWatch, activityOf } from './start-watch.js';
import { WorkerTroubles } from './worker-troubles.js';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its stderr, if they were captured. */
  readonly stderr: string | undefined;
  /** Why it could not be started at all. */
  readonly error: Error | undefined;
  /** What to do if it ended because its program makes no server; undefined once it has made one. */
  readonly advice?: string | undefined;
}

/** What the supervisor is told about a worker's process. */
export interface WorkerEvents {
  fact(fact: ToMaster): void;
  /** A message of this library's that makes no sense here: from another version, or forged. */
  garbled(): void;
  /** A message that the user's program sent with Node's own means. */
  message(message: unknown): void;
  /** Its program has come to rest, and has not made the server. */
  absent(): void;
  /** Something is wrong with it that its exit will not show. */
  failed(error: PreforkError, where: string): void;
  /** Its event loop is blocked. */
  hung(report: HangReport): void;
  /** Called once; after it nothing more is reported, and nothing may be sent. */
  exit(exit: Exit): void;
}

/** A worker's process as the master sees it. The supervisor is given fakes of it in tests. */
export interface WorkerProcess {
  /** 0 if the process could not be started. */
  readonly pid: number;
  /** @returns false if the channel is closed, or too many of the user's own messages wait on it */
  send(order: ToWorker, handle?: SendHandle): boolean;
  /** Ends it at once. Does nothing after its exit was seen: another process may have the pid by then. */
  kill(): void;
}

/** What all workers of a server are started with. */
export interface WorkerCommand {
  /** Whether the program is one executable: it takes no script. */
  readonly isExecutable: boolean;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Whether a watchdog thread reports on a pipe of its own. */
  readonly watched: boolean;
  /** What it runs as; undefined = as the master does. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
  /** The secret of the server's mark. */
  readonly token: string;
  /** The server's name. */
  readonly alias: string;
}

/** What can differ between workers. */
export interface SpawnOptions {
  readonly release: Pick<Release, 'script' | 'directory'>;
  /** Added to the environment: names the server, so that the same script finds out that it is a worker. */
  readonly env: NodeJS.ProcessEnv;
  /** Lets stderr pass through this process, so that its last lines can be quoted. */
  readonly captureStderr: boolean;
}

/** Starts a worker. Nothing else forks. */
export type Spawn = (events: WorkerEvents, options: SpawnOptions) => WorkerProcess;

/**
 * Forks processes that run a command. All are forked in the async context of this call: otherwise a process would keep the
 * context in which it was started, with everything that this refers to, for as long as it lives.
 */
export function forkWorkers(command: WorkerCommand): Spawn {
  const shown = new ShownTexts(systemClock);
  return AsyncResource.bind((events, { env, captureStderr, release: { script, directory } }) => {
    let child: ChildProcess;
    try {
      child = start(command, script, {
        cwd: directory,
        // The shell's path to the master's folder is not that to the worker's.
        env: { ...command.env, ...(command.env['PWD'] !== undefined && { PWD: directory }), ...env },
        ...command.account,
        // stdout and stderr are the user's own, untouched.
        stdio: ['ignore', 'inherit', captureStderr ? 'pipe' : 'inherit', 'ipc', ...(command.watched ? ['pipe' as const] : [])],
      });
    } catch (error) {
      // Out of memory or processes: Node throws errors that it does not emit as 'error'. That is a failed start like any other.
      systemClock.soon(() => { events.exit({ code: null, signal: null, stderr: undefined, error: asError(error) }); });
      return NO_PROCESS;
    }
    let ended = false;
    const troubles = new WorkerTroubles(child.pid ?? 0, (error, where) => { if (!ended) events.failed(error, where); });
    const channel = new ProcessChannel<ToWorker>(child, command.token, () => { troubles.unread(); });
    let watch: StartWatch | undefined = new StartWatch({
      clock: systemClock, look: () => (isHeldUp(command) ? undefined : activityOf(child.pid ?? 0)), absent: () => { if (!ended) events.absent(); },
      busy: () => { troubles.computes(script, command.alias); },
    });
    const stderr = new StartOutput(shown);
    const end = (code: number | null, signal: NodeJS.Signals | null, error?: Error): void => {
      if (ended) return;
      ended = true;
      stderr.end();
      watch?.stop();
      events.exit({ code, signal, stderr: stderr.lastLines, error, advice: watch && serverMissing(script, command.alias, watch.made) });
    };
    child.stderr?.on('data', (data: Buffer) => { stderr.push(data); });
    // Without descriptors Node makes a child without stdio, whatever its types say.
    const evidence = (child.stdio as readonly unknown[] | undefined)?.[HANG_FD] as Readable | undefined;
    evidence?.setEncoding('utf8').on('data', readHangReports((report) => { if (!ended) events.hung(report); })).on('error', ignore);
    child.on('message', (message, handle) => {
      if (handle !== undefined) troubles.givenHandle(handle);
      if (ended) return;
      if (!isOurs(message, command.token)) return hearStranger(message, events);
      const fact = parseToMaster(message, command.token);
      if (fact === undefined) return events.garbled();
      trace('hears', child.pid, fact);
      if (fact.type === 'loaded') return watch?.loaded(fact.made);
      // Its script may handle uncaught exceptions, and still make no server.
      if (fact.type !== 'failed') {
        watch?.stop();
        watch = undefined;
      }
      if (fact.type === 'ready') stderr.pass();
      else if (fact.type === 'failed' && fact.error.where === 'uncaught' && !captureStderr) shown.shownByItself(fact.error.message);
      events.fact(fact);
    });
    // With captured stderr its last lines may come after 'exit'; but a process that the worker has started may never close it.
    child.on('close', (code: number | null, signal: NodeJS.Signals | null) => { end(code, signal); });
    child.on('exit', (code, signal) => {
      if (captureStderr) systemClock.after(STDERR_MS, () => { end(code, signal); });
      else end(code, signal);
    });
    // A worker whose channel is cut drains by itself and can never say so. When a process ends, the channel closes too:
    // then its exit is about to be seen, and says more.
    child.on('disconnect', () => {
      systemClock.after(EXIT_MS, () => { if (!ended) events.fact({ type: 'draining', reason: 'asked' }); }, { idle: true });
    });
    // Without a pid it never started (ENOENT, EAGAIN), and there will be no 'exit'. Later errors mean that a message or
    // signal could not be delivered: its exit, if there is one, says the rest.
    child.on('error', (error) => {
      if (child.pid === undefined) end(null, null, existsSync(directory) ? error : folderGone(directory, error));
      else troubles.undelivered(error);
    });
    return {
      pid: child.pid ?? 0,
      send: (order, handle) => channel.send(order, handle),
      kill: () => { if (!ended) child.kill('SIGKILL'); },
    };
  });
}

/** Whether workers wait for a debugger before they begin. */
const isHeldUp = ({ execArgv, env }: WorkerCommand): boolean => [...execArgv, ...(env['NODE_OPTIONS'] ?? '').split(' ')].some((arg) => /^--inspect-(brk|wait)/.test(arg));

/** @param made - the names of the servers that it has made instead; undefined = it has not loaded this library */
function serverMissing(script: string, alias: string, made: readonly string[] = []): string {
  const instead = made.length === 0 ? '' : ` (but ${made.map((name) => `'${name}'`).join(', ')})`;
  return ` Its program, ${script}, ran and made no PreforkTcpServer with the Alias '${alias}'${instead}. Name the file that does with the option Script.`;
}

/** `fork()` would give an executable the script as an argument. */
function start({ isExecutable, args, execArgv }: WorkerCommand, script: string, options: NodeSpawnOptions): ChildProcess {
  const { fork, spawn } = builtIn('node:child_process');
  return isExecutable ? spawn(process.execPath, args, options) : fork(script, args, { ...options, execArgv: [...execArgv, WORKER_CONDITION] });
}

/** Takes a message without the secret: the greeting of a worker of another version, or one that the user's program sent. */
function hearStranger(message: unknown, events: WorkerEvents): void {
  const version = foreignVersion(message);
  if (version !== undefined) events.fact({ type: 'hello', version });
  // With `node --watch` workers report every module that they load.
  else if (!isOfNode(message)) events.message(message);
}

const isOfNode = (message: unknown): boolean => typeof message === 'object' && message !== null && Object.keys(message).some((key) => key.startsWith('watch:'));

const folderGone = (directory: string, cause: Error): Error => new Error(`The folder of its release, ${directory}, is gone: reload() with another one.`, { cause });

function ignore(): void {
  // A broken pipe means that the worker has ended; its exit says more.
}

/** How soon an exit is seen after it has closed the channel. */
const EXIT_MS = 1000;
/** How soon after the exit the last lines on stderr come. */
const STDERR_MS = 200;

const NO_PROCESS: WorkerProcess = { pid: 0, send: () => false, kill: ignore };
