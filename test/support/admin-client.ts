import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import type { Running } from './with-server.js';

/** An answer of the admin server. */
export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The address of a server's page. */
export function adminUrl({ server }: Pick<Running, 'server'>): string {
  const url = server.status().admin?.url;
  if (url === undefined) throw new Error('This server has no page.');
  return url;
}

/** Asks for one page, with whatever headers: a browser's fetch would not let us lie. */
export async function ask(url: string, { method = 'GET', headers = {}, body, ...options }: RequestOptions & { readonly body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => { text += piece; });
      response.on('end', () => { resolve({ code: response.statusCode ?? 0, headers: response.headers, body: text }); });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A viewer of /events: collects what it is sent. */
export class EventViewer {
  readonly #parts: { readonly event: string; readonly data: unknown }[] = [];
  readonly ended: Promise<void>;
  bytes = 0;
  #abort: () => void = () => undefined;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.ended = new Promise((resolve) => {
      const sent = request(`${url}events`, { headers, agent: false }, (response) => {
        let rest = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          this.bytes += piece.length;
          const messages = (rest + piece).split('\n\n');
          rest = messages.pop() ?? '';
          for (const message of messages) {
            const [, event = '', data = 'null'] = /^event: (.*)\ndata: (.*)$/.exec(message) ?? [];
            this.#parts.push({ event, data: JSON.parse(data) });
          }
        });
        response.on('close', resolve);
      });
      sent.on('error', () => { resolve(); });
      sent.end();
      this.#abort = () => { sent.destroy(); };
    });
  }

  /** The last of a kind that came. */
  last(event: string): unknown {
    return this.#parts.findLast((part) => part.event === event)?.data;
  }

  count(event: string): number {
    return this.#parts.filter((part) => part.event === event).length;
  }

  close(): void {
    this.#abort();
  }
}
