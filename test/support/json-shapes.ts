import type { Seeded } from './seeded.js';

/** Whether a value has fields. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The paths to everything inside a value that is not an object, such as 'state.limit'. */
export function leaves(value: unknown, path = ''): string[] {
  if (!isRecord(value)) return [path];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, path === '' ? name : `${path}.${name}`));
}

/** The kinds of value found at each path of some values. */
export function kindsOf(values: readonly unknown[]): ReadonlyMap<string, ReadonlySet<string>> {
  const kinds = new Map<string, Set<string>>();
  const visit = (value: unknown, path: string): void => {
    const known = kinds.get(path) ?? new Set();
    kinds.set(path, known.add(kindOf(value)));
    if (isRecord(value)) for (const [name, inner] of Object.entries(value)) visit(inner, path === '' ? name : `${path}.${name}`);
  };
  for (const value of values) visit(value, '');
  // A field that only some of the values have may be missing.
  for (const [path, known] of kinds) if (path !== '' && values.some((value) => at(value, path) === undefined)) known.add('undefined');
  return kinds;
}

/** A copy of a value with another one at a path; undefined takes the field away. */
export function withLeaf(value: object, path: string, leaf: unknown): Readonly<Record<string, unknown>> {
  const [name = '', ...rest] = path.split('.');
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const inner = fields[name];
  return { ...fields, [name]: rest.length > 0 && isRecord(inner) ? withLeaf(inner, rest.join('.'), leaf) : leaf };
}

/** A value that JSON can carry, of any kind. */
export function randomJson(random: Seeded, depth = 2): unknown {
  const simple = [null, true, false, 0, 1, -1, 0.5, 1e300, '', 'x', 'ready', 'held', 'limit', '__proto__', 'constructor'];
  if (depth === 0 || random.chance(0.6)) return random.pick(simple);
  const items = Array.from({ length: random.int(0, 3) }, () => randomJson(random, depth - 1));
  if (random.chance(0.5)) return items;
  const names = ['type', 'state', 'config', 'reason', 'clients', 'prefork-tcp-server', 'toString', 'length'];
  return Object.fromEntries(items.map((item) => [random.pick(names), item]));
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner: unknown, name) => (isRecord(inner) ? inner[name] : undefined), value);
}
