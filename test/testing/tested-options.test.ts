import { describe, expect, it } from 'vitest';
import { TestedOptions } from '../../src/testing/tested-options.js';
import type { HookSetup } from '../../src/testing/line.js';

const HOOK = ['--import', 'file:///kit/testing-hook.js?setup=%7B%7D'];

const replace = (given: unknown, setup: Partial<HookSetup> = {}): unknown => (
  new TestedOptions({ port: 1, token: 't', folder: '/tmp/f', alias: undefined, options: {}, ...setup }, ['--enable-source-maps', ...HOOK]).replace(given)
);

describe('the options of a program under test', () => {
  it('listen on a free port of 127.0.0.1', () => {
    expect(replace({ Port: 10_000, MaxServer: 3 })).toEqual({ Address: '127.0.0.1', Port: 0, MaxServer: 3 });
  });

  it.each([{ Address: '::1' }, { Hostname: 'localhost' }, { Domain: 'inet6' }])('keep where to listen as it was given: %j', (where) => {
    expect(replace({ ...where, Port: 10_000 })).toEqual({ ...where, Port: 0 });
  });

  it.each([[{ Address: '/run/chat.sock' }], [{ Address: 'chat.sock', Domain: 'unix' }]])('put a Unix socket in a folder of the test: %j', (where) => {
    expect(replace({ ...where, Alias: 'my chat' })).toEqual({ ...where, Alias: 'my chat', Address: '/tmp/f/my_chat.sock' });
  });

  it('put the admin side at free ports and a path of the test, and nothing where there was nothing', () => {
    expect(replace({ Admin: { Port: 9100, AgentPort: 9101, Path: '/run/a.sock', Token: 't' } })).toMatchObject({
      Admin: { Port: 0, AgentPort: 0, Path: '/tmp/f/prefork_server-admin.sock', Token: 't' },
    });
    expect(replace({ Admin: { Path: '/run/a.sock' } })).toMatchObject({ Admin: { Path: '/tmp/f/prefork_server-admin.sock' } });
  });

  it("let the test's own take the place of the program's, in the first server only", () => {
    const options = new TestedOptions({ port: 1, token: 't', folder: '/tmp/f', alias: undefined, options: { MaxServer: 2 } }, HOOK);

    expect(options.replace({ MaxServer: 20 })).toMatchObject({ MaxServer: 2 });
    expect(options.replace({ MaxServer: 20, Alias: 'other' })).toMatchObject({ MaxServer: 20, Port: 0 });
    expect([options.isMeant('prefork_server'), options.isMeant('other')]).toEqual([true, false]);
  });

  it('are replaced in the server that the test names', () => {
    const options = new TestedOptions({ port: 1, token: 't', folder: '/tmp/f', alias: 'other', options: { MaxServer: 2 } }, HOOK);

    expect(options.replace({ MaxServer: 20 })).toMatchObject({ MaxServer: 20 });
    expect(options.replace({ MaxServer: 20, Alias: 'other' })).toMatchObject({ MaxServer: 2 });
  });

  it('keep what they inherit', () => {
    expect(replace(Object.assign(Object.create({ MaxServer: 3, Port: 10_000 }) as object, { Alias: 'echo' }))).toEqual({ Alias: 'echo', Address: '127.0.0.1', Port: 0, MaxServer: 3 });
  });

  it('load the hook in workers that are given arguments of their own', () => {
    expect(replace({ ExecArgv: ['--expose-gc'] })).toMatchObject({ ExecArgv: [...HOOK, '--expose-gc'] });
  });

  it('are left alone where the constructor is to refuse them', () => {
    expect(replace(undefined)).toBeUndefined();
    expect(replace({ Port: 1, Admin: true })).toMatchObject({ Admin: true });
  });
});
