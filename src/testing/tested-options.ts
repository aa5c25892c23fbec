import { join } from 'node:path';
import type { HookSetup } from './line.js';

/** The Alias of a server that gives none. */
const STANDARD_ALIAS = 'prefork_server';

type Options = Readonly<Record<string, unknown>>;

/** What the servers of a program under test are constructed with. */
export class TestedOptions {
  readonly #setup: HookSetup;
  readonly #hookArgv: readonly string[];
  #first: string | undefined;

  /** @param execArgv - what this process was started with, the hook included */
  constructor(setup: HookSetup, execArgv: readonly string[]) {
    this.#setup = setup;
    const at = execArgv.findIndex((argument) => argument.includes('testing-hook.js'));
    this.#hookArgv = at === -1 ? [] : execArgv.slice(execArgv[at] === '--import' || at === 0 ? at : at - 1, at + 1);
  }

  /** Whether a server is the one that the test is about. */
  isMeant(alias: string): boolean {
    return alias === (this.#setup.alias ?? this.#first);
  }

  /** The program's own options with a free port for every listener, and the test's own for the server that is meant. */
  replace(given: unknown): unknown {
    if (typeof given !== 'object' || given === null) return given;
    const own = withInherited(given as Options);
    const alias = typeof own['Alias'] === 'string' ? own['Alias'] : STANDARD_ALIAS;
    this.#first ??= alias;
    const options = this.isMeant(alias) ? { ...own, ...this.#setup.options } : own;
    return { ...options, ...this.#listen(options, alias), ...this.#admin(options, alias), ...this.#execArgv(options) };
  }

  #listen({ Address: address, Hostname: name, Domain: domain }: Options, alias: string): Options {
    if (typeof address === 'string' && (domain === 'unix' || (domain === undefined && /[/\0]/.test(address)))) return { Address: this.#path(alias) };
    return { Port: 0, ...(address === undefined && name === undefined && domain === undefined && { Address: '127.0.0.1' }) };
  }

  #admin({ Admin: admin }: Options, alias: string): Options {
    if (typeof admin !== 'object' || admin === null) return {};
    const { Port, AgentPort, Path } = admin as Options;
    return {
      Admin: {
        ...admin,
        ...(Port !== undefined && { Port: 0 }), ...(AgentPort !== undefined && { AgentPort: 0 }),
        ...(Path !== undefined && { Path: this.#path(`${alias}-admin`) }),
      },
    };
  }

  /** Workers are under test as well, whatever arguments of Node's the program gives them. */
  #execArgv({ ExecArgv: own }: Options): Options {
    return Array.isArray(own) ? { ExecArgv: [...this.#hookArgv, ...own as readonly unknown[]] } : {};
  }

  #path(name: string): string {
    return join(this.#setup.folder, `${name.replace(/[^\w.-]/g, '_')}.sock`);
  }
}

/** Options with inherited ones made their own, as the server reads them (checks.ts). Names of options begin with a capital letter. */
function withInherited(given: Options): Options {
  const inherited: string[] = [];
  for (let above: unknown = Object.getPrototypeOf(given); above !== null && above !== Object.prototype; above = Object.getPrototypeOf(above)) {
    inherited.unshift(...Object.getOwnPropertyNames(above).filter((name) => /^[A-Z]/.test(name)));
  }
  return { ...Object.fromEntries(inherited.map((name) => [name, given[name]])), ...given };
}
