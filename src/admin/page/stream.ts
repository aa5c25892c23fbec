import type { Clock, Timer } from '../../clock.js';

/** What the page does with what it receives. */
export interface StreamListener {
  readonly heard: (event: string, data: unknown) => void;
  /** 'open', or why it is not; 'refused' if the token is wrong or missing. */
  readonly link: (state: 'open' | 'lost' | 'refused', text: string) => void;
}

/** What a request for the stream is made with. */
export interface StreamRequest {
  readonly signal: AbortSignal;
  readonly cache: 'no-store';
  readonly headers: Readonly<Record<string, string>>;
}

/** What it needs of the browser. */
export interface StreamParts {
  readonly token: () => string | undefined;
  readonly fetch: (path: string, init: StreamRequest) => Promise<Response>;
  readonly clock: Pick<Clock, 'after'>;
}

/**
 * The master says something every 2 s (5 s under load). After this silence it counts as stuck, or stopped: the kernel
 * keeps its connections open, and accepts new ones for it, so nothing else shows it.
 */
const SILENCE_MS = 8000;
const RETRY_MS = 1000;

/**
 * Follows the master's events, and reconnects when the connection is lost. EventSource cannot send a token in a
 * header, and in the address it would end up in logs; so this reads the stream of a fetch.
 */
export async function follow({ token, fetch, clock }: StreamParts, { heard, link }: StreamListener): Promise<never> {
  for (;;) {
    const abort = new AbortController();
    const bound = (): Timer => clock.after(SILENCE_MS, () => { abort.abort(new Error(`It has said nothing for ${SILENCE_MS / 1000} seconds.`)); });
    let silence = bound();
    try {
      const given = token();
      const response = await fetch('events', { signal: abort.signal, cache: 'no-store', headers: given === undefined ? {} : { Authorization: `Bearer ${given}` } });
      if (response.status === 401) link('refused', await response.text());
      else if (!response.ok || response.body === null) link('lost', await response.text());
      else {
        let rest = '';
        // A reader, not `for await`: Safari's streams are not iterable.
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
          silence.cancel();
          silence = bound();
          const messages = (rest + piece.value).split('\n\n');
          rest = messages.pop() ?? '';
          for (const message of messages) {
            const [, event = '', data = 'null'] = /^event: (.*)\ndata: (.*)$/.exec(message) ?? [];
            heard(event, JSON.parse(data));
          }
          link('open', 'connected');
        }
        link('lost', 'The connection to the master has ended.');
      }
    } catch (error) {
      link('lost', error instanceof Error ? error.message : String(error));
    } finally {
      silence.cancel();
    }
    await new Promise<void>((resolve) => { clock.after(RETRY_MS, resolve); });
  }
}
