// Runs in a thread of its own: see watchdog.ts. The only clock that it shares with the main thread is the system's.
import { writeSync } from 'node:fs';
import { Session, type Debugger } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { systemClock } from '../clock.js';
import { hangReport, type HangReport } from '../ipc/hang-report.js';
import { BlockedTime } from './blocked-time.js';
import { Place, type WatchdogData } from './watchdog.js';

const { shared, fd, master } = workerData as WatchdogData;
const places = new BigInt64Array(shared);

/** How often it looks. */
const LOOK_MS = 100;
/** How long the main thread may take to get to a point where it has a stack: in a system call it has none. */
const STACK_MS = 1000;

const blocked = new BlockedTime();
let orphanedAt: number | undefined;
let isReported = false;

/** The clock that both threads share, in milliseconds. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** How long the event loop has not turned. */
const blockedMs = (): number => blocked.look(now(), Number(Atomics.load(places, Place.beatenAt)) / 1e6);

look();

function look(): void {
  const hungMs = Number(Atomics.load(places, Place.hungMs));
  const isHung = blockedMs() >= hungMs && hungMs > 0;
  if (!isHung) isReported = false;
  else if (!isReported) {
    isReported = true;
    reportHang();
  }
  if (isHung) endIfOrphaned();
  blocked.looksAgainAt(now() + LOOK_MS);
  systemClock.after(LOOK_MS, look);
}

/** A main thread that is not blocked notices by itself that its master is gone; one that hangs never does. */
function endIfOrphaned(): void {
  if (process.ppid === master) return;
  const graceMs = Number(Atomics.load(places, Place.graceMs));
  orphanedAt ??= systemClock.now();
  if (graceMs >= 0 && systemClock.now() - orphanedAt >= graceMs) process.kill(process.pid, 'SIGKILL');
}

/** Sends the stack of the main thread; if that takes long to get, an empty one first. */
function reportHang(): void {
  const session = new Session();
  const urls = new Map<string, string>();
  const timer = systemClock.after(STACK_MS, () => { send({ blockedMs: blockedMs(), stack: [] }); });
  // A thread that is paused before we have asked for it is paused by a debugger, which decides when it goes on. So is one that
  // stops at a breakpoint before our own pause takes effect.
  let isOurs = false;
  session.connectToMainThread();
  session.on('Debugger.scriptParsed', ({ params }) => { urls.set(params.scriptId, params.url); });
  session.once('Debugger.paused', ({ params: { callFrames, hitBreakpoints = [] } }) => {
    // Before the main thread goes on: its event loop may turn at once.
    const ms = blockedMs();
    if (isOurs && hitBreakpoints.length === 0) session.post('Debugger.resume');
    session.post('Debugger.disable');
    session.disconnect();
    timer.cancel();
    send({ blockedMs: ms, stack: callFrames.map((frame) => frameOf(frame, urls)) });
  });
  session.post('Debugger.enable', () => { isOurs = true; });
  session.post('Debugger.pause');
}

function frameOf({ functionName, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): HangReport['stack'][number] {
  return { functionName, url: urls.get(location.scriptId) ?? '', line: location.lineNumber + 1, column: (location.columnNumber ?? 0) + 1 };
}

function send(report: HangReport): void {
  try {
    writeSync(fd, hangReport(report));
  } catch {
    // The master is gone (EPIPE): nothing reads it any more.
  }
}
