import type { Purpose } from './guard.js';

/** What a path of the admin server leads to. */
export type Route =
  | { readonly kind: 'page' | 'livez' | 'readyz' | 'status' | 'events' | 'metrics' }
  | { readonly kind: 'reload' | 'pause' | 'resume' | 'shutdown' }
  | { readonly kind: 'term' | 'kill'; readonly pid: number };

/** A route with what it requires. */
export interface Routed {
  readonly route: Route;
  readonly method: 'GET' | 'POST';
  readonly purpose: Purpose;
}

const FIXED: ReadonlyMap<string, Routed> = new Map([
  // The page's frame contains nothing about the pool, and an orchestrator's probes cannot always send a token.
  ...(['livez', 'readyz'] as const).map((kind) => entry(`/${kind}`, { kind }, 'open')),
  entry('/healthz', { kind: 'readyz' }, 'open'),
  entry('/', { kind: 'page' }, 'open'),
  ...(['status', 'events', 'metrics'] as const).map((kind) => entry(`/${kind}`, { kind }, 'read')),
  ...(['reload', 'pause', 'resume', 'shutdown'] as const).map((kind) => entry(`/${kind}`, { kind }, 'act')),
]);

function entry(path: string, route: Route, purpose: Purpose): [string, Routed] {
  return [path, { route, purpose, method: purpose === 'act' ? 'POST' : 'GET' }];
}

/** Whether it is for orchestrators and balancers, which decide about the server by it. */
export const isHealth = (route: Route | undefined): boolean => route?.kind === 'livez' || route?.kind === 'readyz';

/** Finds the route of a request's target; what follows a question mark is ignored. Undefined if there is no such route. */
export function findRoute(target: string): Routed | undefined {
  const path = target.split('?', 1)[0] ?? '';
  const found = FIXED.get(path);
  if (found !== undefined) return found;
  const [, pid, kind] = /^\/workers\/([1-9]\d{0,9})\/(term|kill)$/.exec(path) ?? [];
  if (pid === undefined || (kind !== 'term' && kind !== 'kill')) return undefined;
  return { route: { kind, pid: Number(pid) }, method: 'POST', purpose: 'act' };
}
