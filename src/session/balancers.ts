import { isIP } from 'node:net';
import type { BlockList, Socket } from 'node:net';
import { PreforkError } from '../errors.js';
import type { Clock } from '../clock.js';
import { HeaderWait, type HeaderRules } from './header-wait.js';
import { clientOf, type Peer } from './peer.js';

/** The option Proxy. */
export interface BalancerRules extends HeaderRules {
  readonly from: BlockList | 'unix';
}

/** What happens to connections from balancers. */
export interface BalancersParts {
  readonly rules: BalancerRules;
  readonly clock: Clock;
  /** Whether connections come over a Unix socket. */
  readonly isLocal: () => boolean;
  readonly failed: (error: Error, where: string) => void;
  /** Serves the client that a header has named. */
  readonly serve: (socket: Socket, client: Peer) => void;
  /** A connection was given up before that. */
  readonly left: () => void;
}

/** Connections from balancers: which of them are trusted, and those whose PROXY header has not come yet. */
export class Balancers {
  readonly #parts: BalancersParts;
  readonly #waiting = new Set<HeaderWait>();
  #isDraining = false;

  constructor(parts: BalancersParts) {
    this.#parts = parts;
  }

  /** Whether a connection comes from a trusted balancer. If not, it is reported, as a mistake or an attack. */
  trust(socket: Socket): boolean {
    const { rules: { from }, isLocal, failed } = this.#parts;
    const { remoteAddress: address } = socket;
    if (isLocal() ? from === 'unix' : from !== 'unix' && address !== undefined && from.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return true;
    // A connection reset before it was taken has no address to judge by, and is not reported.
    if (isLocal() || address !== undefined) {
      failed(new PreforkError('ERR_PREFORK_PROXY', `A connection from ${address ?? 'a Unix socket'} was closed: it is not in Proxy.From. If it is a balancer's, add it there; clients have to come through one.`), 'Proxy');
    }
    return false;
  }

  /** Waits for the header of a connection that has been counted. */
  take(socket: Socket): void {
    const { rules, clock, failed, left, serve } = this.#parts;
    const wait = new HeaderWait(socket, { clock, rules, host: {
      failed,
      arrived: (done, header) => {
        this.#waiting.delete(done);
        serve(socket, clientOf(done.peer, header));
      },
      gone: (done) => {
        this.#waiting.delete(done);
        left();
      },
    } });
    this.#waiting.add(wait);
    wait.start();
    if (this.#isDraining) wait.drain();
  }

  /** The worker drains: connections still waiting have little time left. */
  drain(): void {
    this.#isDraining = true;
    for (const wait of this.#waiting) wait.drain();
  }

  /** Ends them now. */
  abort(): void {
    for (const wait of this.#waiting) wait.abort();
  }
}
