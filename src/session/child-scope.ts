import { AsyncResource, executionAsyncId } from 'node:async_hooks';
import { within } from './entry.js';

/** Node then emits a destroy event for it, but only if somebody listens to these: a constant costs less than none. */
const COLLECTED = { requireManualDestroy: false };

/** An async scope in the current async context. */
export const newScope = (type = 'PREFORK_CALLBACK'): AsyncResource => new AsyncResource(type, COLLECTED);

type Scope = AsyncResource & Record<symbol, unknown>;

function inherit(scope: AsyncResource, owner: AsyncResource, id: symbol): AsyncResource {
  const child = Object.create(scope) as Scope;
  child[id] = owner.asyncId();
  return child;
}

/** Where Node keeps the ID of a scope, if what inherits from a scope is one: all that Node needs is in ordinary properties, under symbols. */
function findId(): symbol | null {
  const scope = newScope() as Scope;
  const owner = newScope();
  const id = Object.getOwnPropertySymbols(scope).find((key) => scope[key] === scope.asyncId());
  try {
    return id !== undefined && inherit(scope, owner, id).runInAsyncScope(executionAsyncId) === owner.asyncId() ? id : null;
  } catch {
    return null;
  }
}

/** Null where nothing can inherit from a scope. */
export const ID: symbol | null = findId();

/**
 * An async scope for one step of a client, in the async context of another scope. Stores that are entered in it are kept at the object
 * itself, so one that inherits from a scope sees the stores of that scope and changes none of them. It costs half of a new resource,
 * or a quarter where there is an AsyncLocalStorage: for short records that is more than all else that is done for one.
 *
 * @param owner - whose ID it has. Some keep what they know by that ID, so it must not be that of all clients
 */
export function childOf(scope: AsyncResource, owner: AsyncResource, id: symbol | null = ID): AsyncResource {
  return id === null ? within(scope, newScope) : inherit(scope, owner, id);
}
