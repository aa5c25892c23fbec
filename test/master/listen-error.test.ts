import { describe, expect, it } from 'vitest';
import { codeListenError } from '../../src/master/listen-error.js';

describe('the error of an address in use', () => {
  it('says what it means with port 0, for which the system looks for a free one', () => {
    const [given, any] = ['127.0.0.1:80', '127.0.0.1:0'].map((where) => codeListenError({ operation: 'bind', code: 'EADDRINUSE', errno: -98, where }).message);

    expect(given).toContain('another program listens there');
    expect(any).toContain('every port that the system gives by itself is taken');
  });
});

describe('the error of a name that cannot be resolved', () => {
  it('says how the path of a Unix socket is given, since x.sock is taken for a host name', () => {
    const error = codeListenError({ operation: 'resolve', code: 'ENOTFOUND', errno: -3008, where: 'x.sock:0' });

    expect(error).toMatchObject({
      code: 'ERR_PREFORK_LISTEN', errno: 3008, cause: { code: 'ENOTFOUND' },
      message: "Cannot listen on x.sock:0: resolve failed with ENOTFOUND; the name cannot be resolved: correct Hostname or Address. The path of a Unix socket has a slash (./x.sock), or needs Domain 'unix'.",
    });
  });
});
