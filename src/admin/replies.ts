import type { ServerResponse } from 'node:http';

/** What every reply carries: nothing may frame it, guess its type, cache it or learn its address as a referrer. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** Answers with a text of some type. */
export function reply(response: ServerResponse, code: number, { type, body, headers = {} }: {
  readonly type: string; readonly body: string; readonly headers?: Readonly<Record<string, string>>;
}): void {
  response.writeHead(code, { ...HEADERS, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers });
  // Node leaves the body out where the request was HEAD.
  response.end(body);
}

/** Answers with a sentence. */
export function say(response: ServerResponse, code: number, sentence: string, headers: Readonly<Record<string, string>> = {}): void {
  reply(response, code, { type: 'text/plain; charset=utf-8', body: `${sentence}\n`, headers });
}

/** Answers with JSON, in which Infinity becomes null. */
export function sayJson(response: ServerResponse, code: number, value: unknown): void {
  reply(response, code, { type: 'application/json', body: `${JSON.stringify(value)}\n` });
}

/** Begins a stream of server-sent events. */
export function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  response.flushHeaders();
}
