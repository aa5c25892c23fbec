import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
/** `from './x.js'` and `import('./x.js')`; imports of types count, because whoever reads a file has to read them too. */
const IMPORTS = /(?:from |import\()'(\.[^']+)\.js'/g;

/** Which files of src import which, as paths in src. */
export type SourceMap = ReadonlyMap<string, readonly string[]>;

export function readSources(): SourceMap {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(SRC, file), 'utf8'))]));
}

/** The files that a source text imports by a relative path. */
export function importsOf(file: string, text: string): readonly string[] {
  return [...text.matchAll(IMPORTS)].map(([, path = '']) => `${normalize(join(dirname(file), path))}.ts`);
}

/** The first circle that it finds: files each of which imports the next, and the last the first. */
export function findCircle(sources: SourceMap): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return path.slice(path.indexOf(file));
    if (done.has(file)) return undefined;
    for (const next of sources.get(file) ?? []) {
      const circle = walk(next, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of sources.keys()) {
    const circle = walk(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
