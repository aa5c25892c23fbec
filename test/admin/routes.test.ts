import { describe, expect, it } from 'vitest';
import { findRoute } from '../../src/admin/routes.js';

describe('findRoute', () => {
  it('knows its pages, whatever follows a question mark', () => {
    expect(findRoute('/')).toMatchObject({ route: { kind: 'page' }, method: 'GET', purpose: 'open' });
    expect(findRoute('/status?pretty')).toMatchObject({ route: { kind: 'status' }, purpose: 'read' });
    expect(findRoute('/healthz')).toMatchObject({ route: { kind: 'readyz' }, purpose: 'open' });
  });

  it('takes orders by POST only', () => {
    for (const path of ['/reload', '/pause', '/resume', '/shutdown', '/workers/42/term', '/workers/42/kill']) expect(findRoute(path)).toMatchObject({ method: 'POST', purpose: 'act' });
    expect(findRoute('/workers/42/kill')?.route).toEqual({ kind: 'kill', pid: 42 });
  });

  it.each(['/nope', '/workers/0/kill', '/workers/-1/kill', '/workers/1e3/term', '/workers/42/stop', '/workers/99999999999/kill', '//status', '/status/', 'http://x/status', '*', ''])('knows nothing of %j', (target) => {
    expect(findRoute(target)).toBeUndefined();
  });
});
