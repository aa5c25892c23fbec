import { AsyncResource } from 'node:async_hooks';

/** Otherwise the garbage collector would have to emit a destroy event for each of them. */
const MANUAL = { requireManualDestroy: true };

/** An async scope for one callback, in the current async context. */
export const newScope = (): AsyncResource => new AsyncResource('PREFORK_CALLBACK', MANUAL);

/** Whether what inherits from a scope is one: Node keeps what it needs of it in ordinary properties, under symbols. */
function canInherit(): boolean {
  try {
    return (Object.create(newScope()) as AsyncResource).runInAsyncScope(() => true);
  } catch {
    return false;
  }
}

const INHERITS = canInherit();

/**
 * An async scope for one callback, in the async context of another scope. Stores that a callback enters are kept at the object that
 * it runs in, so one that inherits from a scope sees the stores of that scope and changes none of them. It costs a third of a new
 * resource, or a quarter where there is an AsyncLocalStorage: for short records that is more than all else that is done for one.
 *
 * @param inherits - whether an object can inherit from a scope
 */
export function childOf(scope: AsyncResource, inherits: boolean = INHERITS): AsyncResource {
  return inherits ? Object.create(scope) as AsyncResource : scope.runInAsyncScope(newScope);
}
