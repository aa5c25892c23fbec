import { describe, expect, it } from 'vitest';
import { loaderAdvice } from '../../src/testing/loader-advice.js';

describe('a program that ended before it made its server', () => {
  it.each([
    ['Node runs no TypeScript', 'server.ts', 'TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts" for /srv/server.ts'],
    ['it imports a file without its .ts', 'server.mts', "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/srv/echo.js' imported from /srv/server.mts"],
    ['it imports a type as a value', 'server.ts', "x\nSyntaxError: The requested module './echo.ts' does not provide an export named 'Echo'"],
  ])('may need a loader, if it is TypeScript: %s', (_title, script, stderr) => {
    expect(loaderAdvice(script, stderr)).toContain("may need a loader: npm install tsx, and startPool({ Script, ExecArgv: ['--import', 'tsx'] })");
    expect(loaderAdvice('server.js', stderr)).toBe('');
  });

  it.each([
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'ioredis' imported from /srv/server.ts",
    'Error: connect ECONNREFUSED 127.0.0.1:6379',
  ])('needs none for %s', (stderr) => {
    expect(loaderAdvice('server.ts', stderr)).toBe('');
  });
});
