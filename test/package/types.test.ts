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

describe('the packed declarations', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prefork-types-'));
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root });
    const [packed] = JSON.parse(stdout) as [{ filename: string }];
    mkdirSync(join(folder, 'node_modules/prefork-tcp-server'), { recursive: true });
    await run('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', join(folder, 'node_modules/prefork-tcp-server')]);
    // What else such a project has.
    mkdirSync(join(folder, 'node_modules/@types'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
    cpSync(join(root, 'test/package/consumers'), folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  });

  afterAll(async () => { await rm(folder, { recursive: true, force: true }); });

  it.concurrent.each(COMPILERS)('suit TypeScript %s', async (_name, directory, resolution, types) => {
    const config = join(folder, `${directory}-${resolution}-${types?.join('-') ?? 'none'}.json`);
    await writeFile(config, JSON.stringify({
      compilerOptions: {
        strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true,
        // Declarations of packages are checked too; @types/node is not ours.
        target: 'ES2022', lib: ['ES2022'], module: resolution === 'bundler' ? 'ES2022' : resolution, moduleResolution: resolution, skipLibCheck: false,
        ...(types !== undefined && { types }),
      },
      files: ['server.ts', 'testing.ts'],
    }));

    const { stdout } = await run(process.execPath, [join(root, 'node_modules', directory, 'bin/tsc'), '-p', config], { cwd: folder })
      .catch((error: unknown) => error as { stdout: string });

    expect(stdout.split('\n').filter((line) => line.includes('error TS') && !line.includes('@types/node/'))).toEqual([]);
  });
});
