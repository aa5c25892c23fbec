import { isAbsolute, resolve } from 'node:path';

/** Node's arguments that name a module, which is a path only if it begins like one. */
const MODULE_FLAG = /^(-r|--require|--import|--loader|--experimental-loader)$/;
const MODULE_PATH = /^\.\.?(\/|$)/;
/** Node's arguments that name a file. */
const FILE_FLAG = /^--env-file(-if-exists)?$/;

/**
 * Node's arguments for a process that runs in another folder than this one, to which paths in them are relative.
 *
 * @param folder - this process's at its start
 */
export const preloadsFrom = (folder: string, args: readonly string[]): string[] => args.map((arg, index) => {
  const [flag = '', ...rest] = arg.split('=');
  if (arg.startsWith('-')) return rest.length === 0 ? arg : `${flag}=${pathOf(flag, rest.join('='), folder)}`;
  return pathOf(args[index - 1] ?? '', arg, folder);
});

function pathOf(flag: string, value: string, folder: string): string {
  const isPath = MODULE_FLAG.test(flag) ? MODULE_PATH.test(value) : FILE_FLAG.test(flag) && !isAbsolute(value);
  return isPath ? resolve(folder, value) : value;
}
