import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { reply } from './replies.js';
import { PAGE_HTML } from './page/html.js';
import { PAGE_STYLE } from './page/style.js';

/** The page, except for what differs with each request. */
export class Page {
  readonly #pieces: readonly string[];

  /** @param script - the page's program, compiled */
  constructor(script: string) {
    const style = `<style nonce="${NONCE}">${PAGE_STYLE}</style>`;
    // Nothing in it may end the element early.
    const program = `<script type="module" nonce="${NONCE}">${script.replaceAll('</script', '<\\/script')}</script>`;
    this.#pieces = PAGE_HTML.replace('<!--style-->', () => style).replace('<!--script-->', () => program).split(NONCE);
  }

  /** Sends it. Only its own script and style take effect: they carry a number that no other could know. */
  send(response: ServerResponse): void {
    const nonce = randomBytes(16).toString('base64');
    reply(response, 200, {
      type: 'text/html; charset=utf-8',
      body: this.#pieces.join(nonce),
      headers: {
        'Content-Security-Policy': [
          "default-src 'none'", `script-src 'nonce-${nonce}'`, `style-src 'nonce-${nonce}'`, "connect-src 'self'", 'img-src data:',
          "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        ].join('; '),
      },
    });
  }
}

const NONCE = '{nonce}';
