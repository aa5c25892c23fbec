import type { SocketFile } from '../unix-path.js';
import type { ListenAddress } from './protocol.js';

// What a master and its successor say to each other: the mark in the successor's environment, then lines of JSON on a pipe.
// It is not Node's IPC channel, so that a program finds the same process.send, and gets the same events, as at its first start.

/** The environment variable by which a master knows that it is to take over from another one. */
export const UPGRADE_MARK = 'PREFORK_TCP_SERVER_UPGRADE';

/** The version of the format of the mark and the messages. */
export const UPGRADE_VERSION = 1;

/** The successor's end of the pipe; the sockets follow it. */
export const CHANNEL_FD = 3;
export const FIRST_SOCKET_FD = 4;

/** Which server of a program: its Alias, and which of those with it, counted from 1. */
export interface ServerName {
  readonly alias: string;
  readonly ordinal: number;
}

/** A socket that changes its master. */
export interface HandedSocket extends ServerName {
  readonly fd: number;
  /** The option that led to it, Fd or the address, as JSON: if the successor's options name neither, it binds a socket of its own. */
  readonly target: string;
  readonly address: ListenAddress;
  /** Its file, if the owner of the socket has to remove it. */
  readonly file: SocketFile | null;
  /** Whether the user had paused the pool when the successor was started. */
  readonly paused: boolean;
}

/** What the mark says. */
export interface UpgradeMark {
  readonly version: number;
  readonly servers: readonly HandedSocket[];
}

/** What the predecessor says. */
export type ToSuccessor =
  /** Accept. */
  | { readonly type: 'go' }
  /** Answer if you still serve. */
  | { readonly type: 'confirm' }
  /** The user has paused or resumed this server since the successor was started. */
  | { readonly type: 'pause'; readonly server: ServerName; readonly on: boolean }
  /** The service is yours. */
  | { readonly type: 'over' }
  /** End: the upgrade has failed. If `isLast`, the predecessor ends, too: clients in the queue are served by whoever finds them. */
  | { readonly type: 'abort'; readonly isLast?: boolean };

/** What the successor says. */
export type ToPredecessor =
  | { readonly type: 'pid'; readonly pid: number }
  /** Unless `confirms`, it is of a release that does not answer 'confirm'. */
  | { readonly type: 'hello'; readonly version: number; readonly confirms?: boolean }
  /** It has a socket of its own, at another address; only the predecessor has this one now. */
  | { readonly type: 'declined'; readonly server: ServerName }
  /** Its first workers are ready, and accept when told to. */
  | { readonly type: 'ready'; readonly server: ServerName }
  | { readonly type: 'accepting'; readonly server: ServerName }
  /** The answer: it has survived its first clients' coming. */
  | { readonly type: 'confirmed' }
  | { readonly type: 'failed'; readonly message: string }
  /** What it wrote there. */
  | { readonly type: 'stderr'; readonly text: string };

/** Reads messages, one per line; anything else is skipped. */
export function readMessages(hear: (message: { readonly type: string }) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = parse(line);
      if (typeof message === 'object' && message !== null && typeof (message as { type?: unknown }).type === 'string') hear(message as { readonly type: string });
    }
  };
}

/** @returns undefined if the text is not a mark that this version can use */
export function parseMark(text: string): UpgradeMark | undefined {
  const mark = parse(text) as Partial<UpgradeMark> | null | undefined;
  return typeof mark?.version === 'number' && Array.isArray(mark.servers) ? mark as UpgradeMark : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
