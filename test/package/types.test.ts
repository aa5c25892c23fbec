import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each with how a user may have set it up; TypeScript 6 and 7 load no types but those that are asked for. */
const COMPILERS: readonly [name: string, directory: string, resolution: 'NodeNext' | 'bundler', types: readonly string[] | undefined][] = [
  ['5.0, as node resolves', 'typescript-5.0', 'NodeNext', ['node']],
  ['5.9, as bundlers resolve', 'typescript-5.9', 'bundler', undefined],
  ['6, as node resolves, without types: ["node"]', 'typescript', 'NodeNext', undefined],
  ['7, as bundlers resolve, without types: ["node"]', 'typescript-7', 'bundler', undefined],
  ['7, as bundlers resolve, with types: ["node"]', 'typescript-7', 'bundler', ['node']],
  ['7, as node resolves, without types: ["node"]', 'typescript-7', 'NodeNext', undefined],
  ['7, as node resolves, with types: ["node"]', 'typescript-7', 'NodeNext', ['node']],
];

/** The oldest types of Node that have what we name, and the newest. */
const NODES = ['types-node-20.5', 'types-node-26'];

/** A project of a user's, with the package in it. */
async function project(folder: string, tarball: string, types: string): Promise<void> {
  mkdirSync(join(folder, 'node_modules/prefork-tcp-server'), { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(folder, 'node_modules/prefork-tcp-server')]);
  // What else such a project has.
  mkdirSync(join(folder, 'node_modules/@types'));
  symlinkSync(join(root, 'node_modules', types), join(folder, 'node_modules/@types/node'));
  cpSync(join(root, 'test/package/consumers'), folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
}

/** Compiles a project. @returns the errors of its compiler */
async function errors(folder: string, { compiler, resolution, types }: { readonly compiler: string; readonly resolution: 'NodeNext' | 'bundler'; readonly types?: readonly string[] | undefined }): Promise<string[]> {
  const config = join(folder, `${compiler}-${resolution}-${types?.join('-') ?? 'none'}.json`);
  await writeFile(config, JSON.stringify({
    compilerOptions: {
      strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true,
      // Declarations of packages are checked too; @types/node is not ours.
      target: 'ES2022', lib: ['ES2022'], module: resolution === 'bundler' ? 'ES2022' : resolution, moduleResolution: resolution, skipLibCheck: false,
      ...(types !== undefined && { types }),
    },
    files: ['server.ts', 'testing.ts'],
  }));
  const { stdout } = await run(process.execPath, [join(root, 'node_modules', compiler, 'bin/tsc'), '-p', config], { cwd: folder })
    .catch((error: unknown) => error as { stdout: string });
  return stdout.split('\n').filter((line) => line.includes('error TS') && !/(@types\/node|types-node-\d+(\.\d+)?)\//.test(line));
}

describe('the packed declarations', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prefork-types-'));
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root });
    const [packed] = JSON.parse(stdout) as [{ filename: string }];
    const tarball = join(folder, packed.filename);
    for (const types of ['@types/node', ...NODES]) await project(join(folder, types), tarball, types);
  });

  afterAll(async () => { await rm(folder, { recursive: true, force: true }); });

  it.concurrent.each(COMPILERS)('suit TypeScript %s', async (_name, compiler, resolution, types) => {
    expect(await errors(join(folder, '@types/node'), { compiler, resolution, types })).toEqual([]);
  });

  it.concurrent.each(NODES)('suit @types/node, here %s', async (types) => {
    expect(await errors(join(folder, types), { compiler: 'typescript-7', resolution: 'NodeNext' })).toEqual([]);
  });
});
