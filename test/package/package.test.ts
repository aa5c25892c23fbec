import { build } from 'esbuild';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Markdown } from '../support/markdown.js';
import { TcpClient } from '../support/tcp-client.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The program that the README begins with. */
function readmeProgram(): string {
  const program = new Markdown('README.md').codeBlocks.find(({ heading, language }) => heading === 'Start' && language === 'js');
  if (program === undefined) throw new Error('The README has no program to start with.');
  return program.code;
}

describe('the package', () => {
  let folder: string;
  let tarball: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prefork-package-'));
    // The build is fresh: npm test makes it first.
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root });
    const [packed] = JSON.parse(stdout) as [{ filename: string }];
    tarball = join(folder, packed.filename);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
    await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder });
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('contains what a user needs and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball]);

    const files = stdout.trim().split('\n').map((file) => file.replace(/^package\//, ''));
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/in-worker.js', 'dist/index.d.ts', 'dist/watchdog-thread.js', 'dist/testing.js', 'dist/testing.cjs', 'dist/testing-hook.js', 'examples/README.md', 'examples/synopsis.js']));
    expect(files.filter((file) => !/^(LICENSE|README\.md|package\.json|dist\/.*\.(js|cjs|d\.ts|d\.cts)|examples\/.*)$/.test(file))).toEqual([]);
  });

  it('gives workers the same names, and nothing of the master but its errors', async () => {
    const inWorker = join(root, 'dist/in-worker.js');

    const exported = Object.entries(await import(inWorker) as Readonly<Record<string, { readonly name: string }>>);

    expect(exported.map(([name]) => name)).toEqual(Object.keys(await import(join(root, 'dist/index.js')) as object));
    expect(exported.filter(([name, value]) => value.name !== name)).toEqual([]);
    const { metafile: { inputs } } = await build({ entryPoints: [join(root, 'src/exports.ts')], bundle: true, platform: 'node', format: 'esm', write: false, metafile: true });
    expect(Object.keys(inputs).map((file) => file.replace(/^.*src\//, '')).filter((file) => file.startsWith('master/'))).toEqual(['master/upgrade-error.ts', 'master/reload-error.ts']);
  });

  it('satisfies publint', async () => {
    const { stdout } = await run(join(root, 'node_modules/.bin/publint'), ['--strict', root]);

    expect(stdout).toContain('All good!');
  });

  it('has types that resolve for every module system', async () => {
    // ESM only: require() of it works on every supported Node, which the profile calls esm-only.
    const { stdout } = await run(join(root, 'node_modules/.bin/attw'), [tarball, '--profile', 'esm-only', '--format', 'json']);

    const { analysis } = JSON.parse(stdout) as { analysis: { problems: readonly { kind: string }[] } };
    expect(analysis.problems.map(({ kind }) => kind).filter((kind) => kind !== 'CJSResolvesToESM')).toEqual([]);
  });

  it('can be required from CommonJS', async () => {
    const { stdout } = await run(process.execPath, ['-p', "Object.keys(require('prefork-tcp-server')).includes('PreforkTcpServer')"], { cwd: folder });

    expect(stdout.trim()).toBe('true');
  });

  it.each([
    ['import', 'test.mjs', "import { startPool } from 'prefork-tcp-server/testing';"],
    ['require, as jest needs it', 'test.cjs', "const { startPool } = require('prefork-tcp-server/testing');"],
  ])('has a test kit by %s', async (_how, file, text) => {
    await writeFile(join(folder, 'echo.js'), `import { PreforkTcpServer } from 'prefork-tcp-server';
      new PreforkTcpServer({ Port: 10000, ClientInput: ({ heap, input }) => heap.client.put(\`you said \${input}\`) });`);
    await writeFile(join(folder, file), `${text}
      startPool({ Script: './echo.js', MaxServer: 1, Patience: 20 }).then(async (pool) => console.log(await pool.ask('hello')));`);

    const { stdout } = await run(process.execPath, [file], { cwd: folder });

    expect(stdout).toBe('you said hello\n');
  });

  it('runs the program of the README in an empty project', async () => {
    const program = readmeProgram().replace('Port: 10000', 'Port: 0');
    await writeFile(join(folder, 'server.mjs'), program);
    const server = spawn(process.execPath, ['server.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(server, 'exit');
    try {
      const port = await portOf(server.stdout);

      const client = await TcpClient.connect(port);
      client.send('hello\n');
      expect(await client.readLine()).toMatch(/^worker \d+ heard hello$/);
      client.send('quit\n');
      expect(await client.readLine()).toMatch(/^worker \d+ heard quit$/);
      await client.expectEof();
    } finally {
      server.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    }
  });
});

async function portOf(output: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface({ input: output })) {
    const [, port] = /port: (\d+)/.exec(line) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error('The server ended before it said its port.');
}
