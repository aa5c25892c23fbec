/** Whether a value that came from another process is what its type says. */
export type Check<T> = (value: unknown) => value is T;

/** A check for each field, even optional ones: the compiler demands those that are missing. */
export type Shape<Fields extends object> = { readonly [Name in keyof Fields]-?: Check<Fields[Name]> };

/** The shape of each kind of message, by its `type`. */
export type Shapes<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: Shape<Omit<Extract<Message, { readonly type: Type }>, 'type'>>;
};

/** Whether a value can have fields. */
export const isFields = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

export const text: Check<string> = (value) => typeof value === 'string';
export const boolean: Check<boolean> = (value) => typeof value === 'boolean';
export const number: Check<number> = (value) => typeof value === 'number';
/** A number that is not negative. */
export const amount: Check<number> = (value): value is number => typeof value === 'number' && value >= 0;

/** Exactly null or undefined. */
export const nothing = <T extends null | undefined>(none: T): Check<T> => (value): value is T => value === none;

/** One of two types. */
export const either = <One, Other>(one: Check<One>, other: Check<Other>): Check<One | Other> => (value) => one(value) || other(value);

/** The name of an entry of a table. */
export const keyOf = <Table extends object>(table: Table): Check<keyof Table & string> => (
  (value): value is keyof Table & string => typeof value === 'string' && Object.hasOwn(table, value)
);

/** A list of values of one type. */
export const listOf = <T>(check: Check<T>): Check<readonly T[]> => (value): value is readonly T[] => Array.isArray(value) && value.every(check);

/** An object of strings. */
export const dictionary: Check<Readonly<Record<string, string>>> = (value): value is Readonly<Record<string, string>> => (
  isFields(value) && !Array.isArray(value) && Object.values(value).every((item) => typeof item === 'string')
);

/** An object whose fields match the shape. Other fields are ignored. */
export function record<Fields extends object>(shape: Shape<Fields>): Check<Fields> {
  const checks = Object.entries<Check<unknown>>(shape);
  return (value): value is Fields => isFields(value) && checks.every(([name, check]) => check(value[name]));
}

/** Makes a function that returns a message with the fields of its kind, or undefined if the kind is unknown or a field is not as its shape says. */
export function parser<Message extends { readonly type: string }>(shapes: Shapes<Message>): (value: unknown) => Message | undefined {
  const kinds = new Map(Object.entries<Shape<object>>(shapes).map(([type, shape]) => [type, { names: ['type', ...Object.keys(shape)], check: record(shape) }]));
  return (value) => {
    const kind = isFields(value) ? kinds.get(value['type'] as string) : undefined;
    if (kind === undefined || !isFields(value) || !kind.check(value)) return undefined;
    return Object.fromEntries(kind.names.map((name) => [name, value[name]])) as unknown as Message;
  };
}
