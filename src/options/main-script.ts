/** Whether an argument of Node holds a program, or asks for one to be typed. */
export const isEvalFlag = (arg: string): boolean => /^(-e|-p|-pe|-i|--eval|--print|--interactive)(=|$)/.test(arg);

/** The file this process was started with; undefined in the REPL, with `node -e` and from standard input. */
export function mainScript(): string | undefined {
  const script = process.argv[1];
  return script === '-' || process.execArgv.some(isEvalFlag) ? undefined : script;
}
