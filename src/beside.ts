import { builtIn } from './built-ins.js';
import { PreforkError } from './errors.js';

/** A file of this package that lies beside the built library; undefined if a bundler has left it out. */
export function beside(name: string): URL | undefined {
  try {
    const url = new URL(name, import.meta.url);
    return url.protocol === 'file:' && builtIn('node:fs').existsSync(url) ? url : undefined;
  } catch {
    // What bundlers make of import.meta in CommonJS is not a URL.
    return undefined;
  }
}

/** The same for an option that cannot do without it. @throws PreforkError ERR_PREFORK_OPTION that names the option */
export function besideFor(option: string, name: string): URL {
  const url = beside(name);
  if (url !== undefined) return url;
  throw new PreforkError('ERR_PREFORK_OPTION', `${option} needs files of prefork-tcp-server that a bundler has left behind (${name}): leave the package out of the bundle (esbuild: --external:prefork-tcp-server), or the option.`);
}
