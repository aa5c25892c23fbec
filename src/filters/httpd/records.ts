import type { Buffer } from 'node:buffer';

/** A request, as {@link HttpdFilter} yields it. */
export interface HttpdRequest {
  readonly type: 'request';
  readonly method: string;
  /** The target as it was sent, but `//x` is `/x`. It is not decoded: `new URL(request.uri, 'http://host')` takes it apart. */
  readonly uri: string;
  /** '1.0' or '1.1'. */
  readonly version: string;
  /** Names in lower case; the values of a field that came more than once are joined by ', ' (cookies by '; '). */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Whether the client expects to go on after the response; if not, end the session with it. */
  readonly keepAlive: boolean;
  /** The content, empty if there is none. With Streaming it is empty and follows in records of type 'body'. */
  readonly body: Buffer;
  /** True if the content is here or there is none; false if records of type 'body' follow (Streaming). */
  readonly isWhole: boolean;
}

/** A piece of a request's content, with Streaming. */
export interface HttpdBody {
  readonly type: 'body';
  /** The next bytes; only the last piece can be empty. */
  readonly body: Buffer;
  readonly isLast: boolean;
}

/** A response, as {@link HttpdFilter} sends it. */
export interface HttpdResponse {
  readonly type?: 'response' | undefined;
  /** Three digits. */
  readonly status: number;
  /** Default: the usual text of that status, empty for an unusual one. */
  readonly reason?: string | undefined;
  /** An array sends its field once for each value; undefined sends nothing. */
  readonly headers?: Readonly<Record<string, string | number | readonly (string | number)[] | undefined>> | undefined;
  /** A string is sent as UTF-8. */
  readonly body?: string | Uint8Array | undefined;
  /** Default '1.1'. */
  readonly version?: '1.0' | '1.1' | undefined;
}

/** The answer to a request that cannot be accepted, made by {@link HttpdFilter}: put it and end the session. */
export interface HttpdRefusal extends HttpdResponse {
  readonly type: 'response';
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What `get_one` of {@link HttpdFilter} yields; tell them apart by `type`. */
export type HttpdRecord = HttpdRequest | HttpdBody | HttpdRefusal;
