import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** How a request came in. */
export interface Entrance {
  readonly kind: 'tcp' | 'unix';
  /** Whether other machines can reach it. */
  readonly isPublic: boolean;
}

/** What a request may do, decided before anything is done. */
export type Verdict =
  | { readonly allowed: true; readonly mayAct: boolean }
  | { readonly allowed: false; readonly code: number; readonly text: string };

/** What is asked for: the page's frame and health reveal nothing about the pool; the rest does; actions change it. */
export type Purpose = 'open' | 'read' | 'act';

const refuse = (code: number, text: string): Verdict => ({ allowed: false, code, text });

/** Decides which requests may do what. */
export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #token: Buffer | undefined;

  constructor({ hosts, token }: { readonly hosts: readonly string[]; readonly token: string | undefined }) {
    this.#hosts = new Set(['localhost', ...hosts]);
    this.#token = token === undefined ? undefined : digest(token);
  }

  judge(purpose: Purpose, headers: IncomingHttpHeaders, entrance: Entrance): Verdict {
    if (entrance.kind === 'tcp' && !this.#isOurName(headers.host)) {
      // If another site's page has made its own name point here (DNS rebinding), it is same-origin for the browser, but sends that name.
      return refuse(421, `This server is not ${headers.host ?? ''}. Ask by address or as localhost, or name the host in Admin.Hosts.`);
    }
    if (purpose !== 'open' && isFromAnotherSite(headers)) return refuse(403, 'Requests from pages of other sites are refused.');
    const proof = this.#proofOf(headers);
    if (proof === 'wrong') return refuse(401, 'The token is not the one of Admin.Token.');
    const mayAct = entrance.kind === 'unix' || proof === 'right';
    if (purpose === 'act' && !mayAct) {
      return this.#token === undefined
        ? refuse(403, 'Actions over TCP need Admin.Token; there is none. Use Admin.Path, or give a Token.')
        : refuse(401, 'This needs the token: Authorization: Bearer …');
    }
    if (purpose === 'read' && entrance.isPublic && !mayAct) return refuse(401, 'This needs the token: Authorization: Bearer …');
    return { allowed: true, mayAct };
  }

  #isOurName(host: string | undefined): boolean {
    // Browsers always name a host; HTTP/1.0 health checks do not.
    if (host === undefined) return true;
    const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1').toLowerCase();
    return isIP(name) !== 0 || this.#hosts.has(name);
  }

  #proofOf({ authorization }: IncomingHttpHeaders): 'none' | 'right' | 'wrong' {
    if (authorization === undefined) return 'none';
    // Without a Token none is checked, so that a monitor which always sends one can read.
    if (this.#token === undefined) return 'none';
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    // Digests all have the same length, so the comparison takes the same time whatever was given.
    return given !== undefined && timingSafeEqual(digest(given), this.#token) ? 'right' : 'wrong';
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Browsers say where a request comes from (https://www.w3.org/TR/fetch-metadata/); other clients do not, and are no danger here. */
function isFromAnotherSite({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  // Browsers before Fetch Metadata send at least Origin with a POST.
  return origin !== undefined && origin !== `http://${host ?? ''}` && origin !== `https://${host ?? ''}`;
}
