import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Each program that tests may use, with the Debian package that has it. */
const PACKAGES: ReadonlyMap<string, string> = new Map(
  readFileSync(new URL('../../.ci/tools', import.meta.url), 'utf8').split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, string] => {
      const [tool = '', debianPackage = ''] = line.split(/\s+/);
      return [tool, debianPackage];
    }),
);

/** Where Debian keeps programs for administrators, such as haproxy; the PATH of other users leaves it out. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Where to look, and what to do without the program. */
export interface ToolSearch {
  /** The environment; default that of this process. `CI=true` makes a missing program an error. */
  readonly env?: NodeJS.ProcessEnv;
  /** Receives the line about skipped tests; default standard error. */
  readonly warn?: (line: string) => void;
}

/**
 * Whether a program that some tests need is installed: `describe.runIf(requireTool('haproxy'))(…)`. Without it those tests
 * are skipped, and a line says so; with `CI=true` in the environment it throws, so that nothing is skipped there unseen.
 * A program has to have its line in .ci/tools, from which .ci/run installs it.
 */
export function requireTool(tool: string, { env = process.env, warn = (line) => { process.stderr.write(`${line}\n`); } }: ToolSearch = {}): boolean {
  const debianPackage = PACKAGES.get(tool);
  if (debianPackage === undefined) throw new Error(`.ci/tools does not name ${tool}: add a line with its Debian package.`);
  if (find(tool, env) !== undefined) return true;
  const missing = `${tool} is not installed (apt-get install ${debianPackage})`;
  if (env['CI'] === 'true') throw new Error(`${missing}, and with CI=true no test is skipped.`);
  warn(`${missing}: tests that need it are skipped.`);
  return false;
}

/** The path of a program, which may be outside of the PATH; throws if it is not installed. */
export function toolPath(tool: string, { env = process.env }: ToolSearch = {}): string {
  const path = find(tool, env);
  if (path === undefined) throw new Error(`${tool} is not installed.`);
  return path;
}

function find(tool: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(delimiter), ...SBIN];
  return folders.filter((folder) => folder !== '').map((folder) => join(folder, tool)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
