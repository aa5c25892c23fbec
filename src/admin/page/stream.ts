/** What the page does with what it hears. */
export interface StreamListener {
  readonly heard: (event: string, data: unknown) => void;
  /** 'open', or why it is not; `refused` if the token is wrong or missing. */
  readonly link: (state: 'open' | 'lost' | 'refused', text: string) => void;
}

/** The master says something every 2 s at least (5 s under load): after this silence it is gone or stuck. */
const SILENCE_MS = 8000;
const RETRY_MS = 1000;

/**
 * Follows the master's events, and comes back by itself when the connection is lost. EventSource cannot send a token in a
 * header, and in the address it would end up in logs; so this reads the stream of a fetch.
 */
export async function follow(token: () => string | undefined, { heard, link }: StreamListener): Promise<never> {
  for (;;) {
    const abort = new AbortController();
    let silence = setTimeout(() => { abort.abort(); }, SILENCE_MS);
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
          clearTimeout(silence);
          silence = setTimeout(() => { abort.abort(); }, SILENCE_MS);
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
      clearTimeout(silence);
    }
    await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
  }
}
