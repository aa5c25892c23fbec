import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { toolPath } from './tools.js';
import { within } from './wait.js';

/** What a program wrote, and how it ended. */
export interface Outcome { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs one of the programs of .ci/tools to its end. */
export async function runTool(tool: string, args: readonly string[], input = ''): Promise<Outcome> {
  const child = spawn(toolPath(tool), args, { stdio: 'pipe' });
  child.stdin.on('error', () => undefined).end(input);
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve); });
  try {
    const [stdout, stderr, code] = await within(Promise.all([text(child.stdout), text(child.stderr), ended]), () => `the end of ${tool}`);
    return { code, stdout, stderr };
  } finally {
    child.kill('SIGKILL');
  }
}
