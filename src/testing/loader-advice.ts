/** What Node says when it cannot run TypeScript, or not all of it: a file is named without its `.ts`, a type is imported as if it were a value. */
const UNREAD = /\bERR_(?:UNKNOWN_FILE_EXTENSION|UNSUPPORTED_TYPESCRIPT_SYNTAX)\b|Cannot find module '(?:\/|file:)|^SyntaxError\b/m;

/**
 * What to do about a program that may have ended because Node could not read it: a test runner's loader does not apply to it.
 *
 * @returns nothing for one that is not TypeScript, or that lacks something else, such as a package
 */
export const loaderAdvice = (script: string, stderr: string): string => (/\.[cm]?tsx?$/.test(script) && UNREAD.test(stderr)
  ? "\nA program in TypeScript may need a loader: npm install tsx, and startPool({ Script, ExecArgv: ['--import', 'tsx'] })."
  : ''
);
