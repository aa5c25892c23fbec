import type { Buffer } from 'node:buffer';

/** A request, as {@link HttpdFilter} yields it. */
export interface HttpdRequest {
  /** Tells records apart. */
  readonly type: 'request';
  /** Any token, as it was sent: 'GET', 'QUERY', 'purge'. */
  readonly method: string;
  /** The target as it was sent, except that `//x` becomes `/x`. It is not decoded: `new URL(request.uri, 'http://host')` takes it apart. */
  readonly uri: string;
  /** '1.0', or '1.1' for 1.1 and every later HTTP/1. */
  readonly version: '1.0' | '1.1';
  /** Names in lower case; the values of a field that came more than once are joined by ', ' (cookies by '; '). */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Whether the client expects to go on after the response; if not, end the session after it. */
  readonly keepAlive: boolean;
  /**
   * Whether the client may wait for an answer before it sends the content (`Expect: 100-continue`): put `{ status: 100 }` to
   * get the content, or put the final response and end the session. False in a request that has its content.
   */
  readonly expectsContinue: boolean;
  /** The content, empty if there is none. With Streaming it is empty and follows in records of type 'body'. */
  readonly body: Buffer;
  /** True if the content is here or there is none; false if records of type 'body' follow (Streaming). */
  readonly isWhole: boolean;
}

/** A request of which only the head has come and whose client waits for an answer, with Expect: see `expectsContinue`. */
export interface HttpdExpectation extends Omit<HttpdRequest, 'type'> {
  /** Tells records apart. */
  readonly type: 'expect';
}

/** A piece of a request's content, with Streaming. */
export interface HttpdBody {
  /** Tells records apart. */
  readonly type: 'body';
  /** The next bytes; only the last piece can be empty. */
  readonly body: Buffer;
  /** Whether the content ends with it. */
  readonly isLast: boolean;
}

/** The value of a field: an array sends the field once for each value, undefined sends nothing. */
export type HttpdFieldValue = string | number | readonly (string | number)[] | undefined;

/** A response, as {@link HttpdFilter} sends it. */
export interface HttpdResponse {
  /** Tells a response from the records of requests. */
  readonly type?: 'response' | undefined;
  /** Three digits. */
  readonly status: number;
  /** Default: the usual text of that status, empty for an unusual one. */
  readonly reason?: string | undefined;
  /** Names and values: an object, or an iterable of pairs, such as `Headers` and `Map`. */
  readonly headers?: Readonly<Record<string, HttpdFieldValue>> | Iterable<readonly [name: string, value: HttpdFieldValue]> | undefined;
  /**
   * The content; a string is sent as UTF-8. It must be as long as a Content-Length says, and with a Transfer-Encoding it must
   * be in that coding. If it is not given, only the head is sent: for a response to HEAD, or to send the content afterwards
   * through another filter. 1xx, 204, 205 and 304 have none.
   */
  readonly body?: string | Uint8Array | undefined;
  /** Default '1.1'. */
  readonly version?: '1.0' | '1.1' | undefined;
}

/** The answer to a request that cannot be accepted, made by {@link HttpdFilter}: put it and end the session. */
export interface HttpdRefusal extends HttpdResponse {
  /** Tells it from the records of requests. */
  readonly type: 'response';
  /** The text of the status. */
  readonly reason: string;
  /** Its fields, Connection: close among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Why, in words. */
  readonly body: string;
}

/** What `get_one` of {@link HttpdFilter} yields; tell them apart by `type`. */
export type HttpdRecord = HttpdRequest | HttpdExpectation | HttpdBody | HttpdRefusal;
