/** What is wrong with a value, as the end of a sentence ("must be …"), or undefined if nothing is. */
export type Check = (value: unknown) => string | undefined;

/** Makes a check of a condition and the words for what was expected. */
export const expect = (holds: (value: unknown) => boolean, expected: string): Check =>
  (value) => (holds(value) ? undefined : `must be ${expected}`);

/** Whether it is the number of a port, or such a number as text, as it comes from the environment. */
export const isPort = (value: unknown): boolean => (
  typeof value === 'string' ? /^\d{1,5}$/.test(value) && isPort(Number(value)) : Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535);

export const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Whether it has its properties itself, unlike a Map or an instance of a class. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => isObject(value) && (Object.keys(value).length > 0 || isPlain(value));
/** Whether it is an object of options, which are checked elsewhere. Throws if they cannot be read. */
export const isReadable = (value: unknown): boolean => isObject(value) && isObject({ ...value });
export const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

/** A whole number that is not below `least`. */
export const count = (least: number): Check => expect(
  (value) => Number.isSafeInteger(value) && (value as number) >= least,
  `a whole number of at least ${least}`,
);
/** A number of bytes or records that can be counted exactly. */
export const positive: Check = expect((value) => Number.isSafeInteger(value) && (value as number) > 0, 'a whole number above 0');
/** An on/off switch in the original's form or ours. */
export const flag: Check = expect((value) => typeof value === 'boolean' || value === 0 || value === 1, 'true, false, 1 or 0');
/** What a switch of either form means. */
export const isOn = (given: boolean | 0 | 1 | undefined, standard = false): boolean => (given === undefined ? standard : given === true || given === 1);
/** A function of the user's, which can be called as it is. */
export const callback: Check = (value) => {
  if (typeof value !== 'function') return 'must be a function';
  if (isClass(value)) return 'is a class, which cannot be called; give a function';
  return isGenerator(value) ? 'is a generator function: to call it runs none of its code; give a function, which may be async' : undefined;
};
/** A string that says something. */
export const text: Check = expect((value) => typeof value === 'string' && value !== '', 'a text that is not empty');
/** A list of anything. */
export const list: Check = expect((value) => Array.isArray(value), 'an array');
/** A list of strings. */
export const texts: Check = expect(isTexts, 'an array of strings');
/** One of a few names. */
export const oneOf = (...names: readonly string[]): Check => expect(
  (value) => typeof value === 'string' && names.includes(value),
  names.map((name) => `'${name}'`).join(' or '),
);

/** Names that others use for something that has another name here; in lower case, without underscores. */
export type Synonyms = Readonly<Record<string, string>>;

/** Lists what is wrong with single options: unknown names, with the one probably meant, and wrong types or ranges. */
export function checkEach(given: Readonly<Record<string, unknown>>, checks: Readonly<Record<string, Check>>, synonyms: Synonyms = {}): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) problems.push(unknownOption(name, Object.keys(checks), synonyms));
    else if (value !== undefined) {
      const problem = attempt(check, value);
      if (problem !== undefined) problems.push(`${name} ${problem}${problem.startsWith('must') ? `, not ${show(value)}` : ''}.`);
    }
  }
  return problems;
}

/** Names that an object inherits from another, as with Object.create(defaults), or from its class, as accessors and methods. */
export function inheritedNames(given: object, checks: Readonly<Record<string, Check>>): string[] {
  const own = new Set(Object.keys(given));
  return Object.keys(checks).filter((name) => !own.has(name) && name in given);
}

/** Options with inherited ones made their own, for code that looks at each. */
export function withInherited(given: object, checks: Readonly<Record<string, Check>>): Readonly<Record<string, unknown>> {
  return { ...Object.fromEntries(inheritedNames(given, checks).map((name) => [name, (given as Readonly<Record<string, unknown>>)[name]])), ...given };
}

/** A value of the user's may be a proxy, or have getters: looking at it may throw. */
function attempt(check: Check, value: unknown): string | undefined {
  try {
    return check(value);
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : 'to look at it throws'}`;
  }
}

/** The options with which, taken singly, nothing is wrong. */
export function soundOptions(given: Readonly<Record<string, unknown>>, checks: Readonly<Record<string, Check>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => (
    Object.hasOwn(checks, name) && value !== undefined && checks[name] !== undefined && attempt(checks[name], value) === undefined
  )));
}

function unknownOption(name: string, known: readonly string[], synonyms: Synonyms): string {
  const other = name.toLowerCase().replaceAll('_', '');
  const nearest = (Object.hasOwn(synonyms, other) ? synonyms[other] : undefined) ?? nearestName(name, known);
  return `${name} is not an option${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`;
}

/** Shows a value in a message, on one line and not too long. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'function') return showFunction(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'bigint') return `${value}n`;
  return String(value);
}

/** Whether something has to be awaited. May throw: `then` may be a getter of the user's. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> => (
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
);

/**
 * Shows what is refused: what a function of the user's returned, or what was to be sent. If that is a promise, nothing will
 * await it, and an unhandled rejection would end the process with all its clients. So it is handled here.
 */
export function showRefused(value: unknown): string {
  if (!isThenable(value)) return show(value);
  Promise.resolve(value).catch(() => undefined);
  return 'a promise, which is not waited for';
}

// A method may be called classify, or class.
const isClass = (value: object): boolean => /^class[\s{]/.test(Function.prototype.toString.call(value));
const isGenerator = (value: unknown): boolean => Object.prototype.toString.call(value).endsWith('GeneratorFunction]');

/** An object as literals make them, or without a prototype; its prototype may be that of another realm. */
function isPlain(value: object): boolean {
  const above = Object.getPrototypeOf(value) as object | null;
  return above === null || Object.getPrototypeOf(above) === null;
}

/** A class by the name under which it is exported: bundlers put an underscore before it. */
function showFunction(given: object & { readonly name: string }): string {
  const name = isClass(given) ? given.name.replace(/^_/, '') : given.name;
  const kind = isClass(given) ? 'class' : 'function';
  return name === '' ? `a ${kind}` : `the ${kind} ${name}`;
}

/** Finds the known name that was most likely meant by a misspelt one: at most a third of its letters are wrong. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.floor(name.length / 3) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[line - 1] === to[column - 1];
      const isSwapped = line > 1 && column > 1 && from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1];
      next.push(Math.min(
        (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, (row[column - 1] ?? 0) + (isSame ? 0 : 1),
        ...(isSwapped ? [(before[column - 2] ?? 0) + 1] : []),
      ));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
