import { describe, expect, it } from 'vitest';
import { PreforkTcpServer } from '../../src/index.js';
import { isTestProgram } from '../../src/options/main-script.js';

describe('a main script that runs tests', () => {
  it.each([
    '/a/node_modules/vitest/dist/workers/forks.js', '/a/node_modules/.bin/jest', '/a/node_modules/jest-worker/build/workers/processChild.js',
    '/a/node_modules/mocha/bin/mocha.js', '/a/test/chat.test.js', '/a/chat_test.mts', '/a/chat-test.cjs', '/a/test.js',
  ])('is known: %s', (script) => {
    expect(isTestProgram(script)).toBe(true);
  });

  it.each(['/a/server.js', '/a/test/server.js', '/a/test/programs/std.mjs', '/a/latest.js', '/a/node_modules/pm2/lib/ProcessContainerFork.js', '/a/jest/server.js'])('is not every other: %s', (script) => {
    expect(isTestProgram(script)).toBe(false);
  });

  it('is refused at once without Script, as here, and the error says what to do', () => {
    expect(() => new PreforkTcpServer({ ClientInput: () => undefined })).toThrow(/vitest.*give Script.*prefork-tcp-server\/testing/);
  });
});
