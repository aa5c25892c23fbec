import { PreforkError } from '../errors.js';
import type { UserMessages } from './user-messages.js';

type Done = (error: Error | null) => void;

/**
 * Makes messages that the user's own code sends with `process.send` travel in our envelope, too. Then a client's words can be
 * relayed as they are, and a master that has gone is not an uncaught error.
 */
export function wrapProcessSend(messages: UserMessages): void {
  const raw = process.send?.bind(process);
  if (raw === undefined) return;
  const send = (message: unknown, handle?: unknown, options?: unknown, callback?: unknown): boolean => {
    const done = [handle, options, callback].find((value): value is Done => typeof value === 'function');
    // Handles have to be sent in Node's own way; so do Node's own messages, which do not concern the master.
    if ((typeof handle === 'object' && handle !== null) || isOfNode(message)) return raw(message, handle as never, options as never, done);
    const isSent = messages.send(message);
    if (done !== undefined) process.nextTick(done, isSent ? null : new PreforkError('ERR_PREFORK_STATE', 'process.send() reaches no one: the master has gone, or does not read.'));
    return isSent;
  };
  process.send = send as typeof raw;
  // A message was sent in Node's own way after the master had gone: that must not end this process with all its clients.
  process.on('error', (error: NodeJS.ErrnoException) => {
    if (!CLOSED.has(error.code) && process.listenerCount('error') === 1) throw error;
  });
}

const CLOSED: ReadonlySet<string | undefined> = new Set(['ERR_IPC_CHANNEL_CLOSED', 'EPIPE', 'ECONNRESET']);

/** `node --watch` makes every loaded module be reported on the channel. */
const isOfNode = (message: unknown): boolean => typeof message === 'object' && message !== null && Object.keys(message).some((key) => key.startsWith('watch:'));
