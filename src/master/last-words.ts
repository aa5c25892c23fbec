// Runs in a successor before its program (node --require), as a separate file in a form that any program can load: it tells the
// predecessor what the program writes to stderr and what ends it. The program's stderr is the service's own from the start: a
// pipe in between would break when its reader, the predecessor, ends, and every process that writes to it would fail.

// ipc/upgrade-protocol.ts: CHANNEL_FD.
const CHANNEL = 3;
/** Far less than the pipe holds: a blocked predecessor must not block its successor. */
const MOST_CHARACTERS = 65_536;
const MOST_AT_ONCE = 4096;

if (process.getBuiltinModule('node:worker_threads').isMainThread) record();

function record(): void {
  const { writeSync } = process.getBuiltinModule('node:fs');
  const { inspect } = process.getBuiltinModule('node:util');
  let left = MOST_CHARACTERS;
  const note = (text: string): void => {
    if (left <= 0) return;
    left -= text.length;
    try {
      writeSync(CHANNEL, `${JSON.stringify({ type: 'stderr', text: text.slice(-MOST_AT_ONCE) })}\n`);
    } catch {
      // The predecessor has gone.
      left = 0;
    }
  };
  const ended = (error: unknown): void => { note(`${inspect(error)}\n`); };
  const { stderr } = process;
  const write = stderr.write.bind(stderr);
  stderr.write = (chunk: string | Uint8Array, ...rest: never[]) => {
    note(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return write(chunk, ...rest);
  };
  process.on('uncaughtExceptionMonitor', ended);
  (globalThis as Record<symbol, unknown>)[Symbol.for('prefork-tcp-server.last-words')] = () => {
    left = 0;
    process.off('uncaughtExceptionMonitor', ended);
  };
  // Processes that this one starts are to run without it.
  const at = process.execArgv.findIndex((arg, index) => arg === '--require' && process.execArgv[index + 1]?.endsWith('last-words.cjs') === true);
  if (at !== -1) process.execArgv.splice(at, 2);
}
