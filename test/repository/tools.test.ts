import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { requireTool, toolPath } from '../support/tools.js';

const folder = mkdtempSync(join(tmpdir(), 'prefork-tools-'));
// No program of that name is in the folders that are searched besides the PATH.
const curl = join(folder, 'curl');
writeFileSync(curl, '#!/bin/sh\necho found\n');
chmodSync(curl, 0o755);

afterAll(() => { rmSync(folder, { recursive: true }); });

describe('requireTool', () => {
  it('finds a program on the PATH', () => {
    expect(requireTool('curl', { env: { PATH: folder, CI: 'true' } })).toBe(true);
    expect(execFileSync(toolPath('curl', { env: { PATH: folder } }), { encoding: 'utf8' })).toBe('found\n');
  });

  it('says that tests are skipped and how to install the program when it is missing', () => {
    const lines: string[] = [];

    expect(requireTool('redis-cli', { env: { PATH: folder }, warn: (line) => { lines.push(line); } })).toBe(false);
    expect(lines).toEqual(['redis-cli is not installed (apt-get install redis-tools): tests that need it are skipped.']);
  });

  it('fails under CI=true when the program is missing', () => {
    expect(() => requireTool('redis-cli', { env: { PATH: folder, CI: 'true' } }))
      .toThrow('redis-cli is not installed (apt-get install redis-tools), and with CI=true no test is skipped.');
  });

  it('refuses a program that .ci/tools does not name', () => {
    expect(() => requireTool('cobol')).toThrow('.ci/tools does not name cobol');
  });
});
