import { describe, expect, it } from 'vitest';
import { codeListenError } from '../../src/master/listen-error.js';

describe('the error of a name that cannot be resolved', () => {
  it('says how the path of a Unix socket is given, since x.sock is taken for a host name', () => {
    const error = codeListenError({ operation: 'resolve', code: 'ENOTFOUND', errno: -3008, where: 'x.sock:0' });

    expect(error).toMatchObject({
      code: 'ERR_PREFORK_LISTEN', errno: 3008, cause: { code: 'ENOTFOUND' },
      message: "Cannot listen on x.sock:0: resolve failed with ENOTFOUND; the name cannot be resolved: correct Hostname or Address. The path of a Unix socket has a slash (./x.sock), or needs Domain 'unix'.",
    });
  });
});
