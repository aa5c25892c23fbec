import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock, Timer } from '../clock.js';
import { asError } from '../errors.js';
import type { AdminConfig } from './admin-options.js';
import { isLoopback } from './admin-options.js';
import { Guard, type Entrance } from './guard.js';
import { unreadiness } from './health.js';
import { History } from './history.js';
import { METRICS_TYPE, type Build } from './metrics.js';
import type { Page } from './page.js';
import { boardOf, type Hello } from './page-data.js';
import type { PoolView } from './pool-view.js';
import { beginEvents, reply, say, sayJson } from './replies.js';
import { Recent, RequestBudget } from './request-budget.js';
import { findRoute, isHealth, type Route } from './routes.js';
import { Viewers } from './viewers.js';

/** What it is made of. */
export interface AdminServerParts {
  readonly config: AdminConfig;
  readonly pool: PoolView;
  readonly page: Page;
  readonly build: Build;
  readonly clock: Clock;
  /** Bounds that differ from {@link BOUNDS}. */
  readonly bounds?: Partial<Bounds>;
}

const SAMPLE_MS = 2000;

/** Limits of requests: bytes, milliseconds and counts. */
export const BOUNDS = {
  maxHeaderSize: 8192,
  /** No request here needs a body; this much is read and dropped. */
  bodyBytes: 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  /** From the end of an answer until its client has taken it. */
  answerTimeout: 10_000,
  /** How late it may be noticed that a time is up. */
  connectionsCheckingInterval: 2000,
  connections: 300,
  viewers: 200,
};

export type Bounds = Readonly<typeof BOUNDS>;

/** Shows the pool and takes orders for it, over HTTP. Listening is left to its callers. */
export class AdminServer {
  readonly #parts: AdminServerParts;
  readonly #guard: Guard;
  readonly #history: History;
  readonly #viewers: Viewers;
  readonly #budget: RequestBudget;
  readonly #unreadiness: Recent<readonly string[]>;
  readonly #bounds: Bounds;
  #sampling: Timer | undefined;

  constructor(parts: AdminServerParts) {
    this.#parts = parts;
    const { clock, config, pool } = parts;
    this.#bounds = { ...BOUNDS, ...parts.bounds };
    this.#guard = new Guard(config);
    this.#budget = new RequestBudget(clock);
    this.#unreadiness = new Recent(clock, () => unreadiness(pool.status()));
    this.#history = new History(clock);
    this.#viewers = new Viewers({
      clock,
      most: this.#bounds.viewers,
      parts: [
        { name: 'samples', version: () => this.#history.samples, value: () => this.#history.samples },
        { name: 'log', version: () => this.#history.log, value: () => this.#history.log },
        { name: 'board', version: () => undefined, value: () => this.#board() },
      ],
    });
    pool.observe((event) => {
      this.#history.note(event);
      this.#viewers.changed();
    });
    this.#sample();
  }

  /** A server for one entrance, with limits on the size, number and time of requests. Not listening yet. */
  entrance(kind: Entrance['kind']): Server {
    const entrance: Entrance = { kind, isPublic: kind === 'tcp' && !isLoopback(this.#parts.config.address) };
    const { maxHeaderSize, headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval, connections } = this.#bounds;
    const server = createServer({
      maxHeaderSize, headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval, insecureHTTPParser: false,
    }, (request, response) => { this.#answer(request, response, entrance); });
    server.maxConnections = connections;
    // The pool must be able to end while a page is open.
    server.on('connection', (socket) => { socket.setKeepAlive(true, 30_000); });
    return server;
  }

  /** Tells open pages about the end, and closes them. */
  close(): void {
    this.#sampling?.cancel();
    this.#viewers.close();
  }

  #sample(): void {
    this.#history.sample(this.#parts.pool.status());
    this.#sampling = this.#parts.clock.after(SAMPLE_MS, () => { this.#sample(); }, { idle: true });
  }

  #board(): unknown {
    const status = this.#parts.pool.status();
    return boardOf(status, { now: this.#parts.clock.wallNow(), hangs: this.#history.hangs(status) });
  }

  #answer(request: IncomingMessage, response: ServerResponse, entrance: Entrance): void {
    dropBody(request, response, this.#bounds.bodyBytes);
    this.#boundAnswer(response);
    const routed = findRoute(request.url ?? '/');
    const purpose = routed?.purpose ?? 'read';
    // Health checks have to be answered even in a flood.
    if (!isHealth(routed?.route) && !this.#budget.take()) return say(response, 429, 'Too many requests; slow down.', { 'Retry-After': '1', Connection: 'close' });
    const verdict = this.#guard.judge(purpose, request.headers, entrance);
    if (!verdict.allowed) return say(response, verdict.code, verdict.text, verdict.code === 401 ? { 'WWW-Authenticate': 'Bearer' } : {});
    if (routed === undefined) return say(response, 404, 'There is no such page here; see /.');
    const { method, route } = routed;
    const given = request.method === 'HEAD' ? 'GET' : request.method;
    if (given !== method) return say(response, 405, `This takes ${method}, not ${request.method ?? ''}.`, { Allow: method === 'GET' ? 'GET, HEAD' : method });
    try {
      this.#serve(route, { response, mayAct: verdict.mayAct, isHead: request.method === 'HEAD' });
    } catch (error) {
      say(response, 409, asError(error).message);
    }
  }

  #serve(route: Route, { response, mayAct, isHead }: { response: ServerResponse; mayAct: boolean; isHead: boolean }): void {
    const { page, pool } = this.#parts;
    const { actions } = pool;
    switch (route.kind) {
      case 'page': return page.send(response);
      case 'livez':
      case 'readyz': return this.#sayHealth(route.kind, response);
      case 'status': return sayJson(response, 200, pool.status());
      case 'metrics': return reply(response, 200, { type: METRICS_TYPE, body: pool.metrics() });
      case 'events': return this.#watch(response, mayAct, isHead);
      case 'reload': return void this.#reload(response);
      case 'pause': return done(response, 'The pool accepts no more clients; they wait in the queue.', () => { actions.pause(true); });
      case 'resume': return done(response, 'The pool accepts again.', () => { actions.pause(false); });
      case 'shutdown': return done(response, 'The pool shuts down: it takes no new clients, and ends when the last one has left.', () => { actions.shutdown(); });
      case 'term': return found(response, route.pid, actions.term(route.pid), 'drains');
      case 'kill': return found(response, route.pid, actions.kill(route.pid), 'was killed');
    }
  }

  #sayHealth(kind: 'livez' | 'readyz', response: ServerResponse): void {
    const { value, isFlood } = this.#unreadiness.ask();
    // As with all clients that ask too much, the next request needs a new connection.
    const headers: Record<string, string> = isFlood ? { Connection: 'close' } : {};
    if (kind === 'livez' || value.length === 0) say(response, 200, 'ok', headers);
    else say(response, 503, `not ready: ${value.join(', ')}`, headers);
  }

  /** A client that does not take its answer holds a connection only until then. */
  #boundAnswer(response: ServerResponse): void {
    response.once('prefinish', () => {
      const patience = this.#parts.clock.after(this.#bounds.answerTimeout, () => { response.destroy(); }, { idle: true });
      response.once('close', () => { patience.cancel(); });
    });
  }

  #watch(response: ServerResponse, mayAct: boolean, isHead: boolean): void {
    if (this.#viewers.isFull) return say(response, 503, `There are ${this.#bounds.viewers} viewers already.`, { 'Retry-After': '10' });
    beginEvents(response);
    if (isHead) {
      response.end();
      return;
    }
    const { build, config, pool } = this.#parts;
    const hello: Hello = { ...build, mayAct, mayReload: mayAct && pool.actions.reload !== undefined, hasToken: config.token !== undefined };
    response.write(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
    this.#viewers.add(response);
  }

  async #reload(response: ServerResponse): Promise<void> {
    const { reload } = this.#parts.pool.actions;
    if (reload === undefined) { say(response, 501, 'This server cannot reload.'); return; }
    try {
      sayJson(response, 200, await reload());
    } catch (error) {
      const { code, message } = asError(error) as NodeJS.ErrnoException;
      say(response, code === 'ERR_PREFORK_STATE' ? 409 : 500, message);
    }
  }
}

function done(response: ServerResponse, sentence: string, act: () => void): void {
  act();
  say(response, 200, sentence);
}

function found(response: ServerResponse, pid: number, isFound: boolean, what: string): void {
  if (isFound) say(response, 200, `Worker ${pid} ${what}.`);
  else say(response, 404, `There is no worker ${pid}, or it drains already.`);
}

/** Reads a body that was not asked for, up to a limit. */
function dropBody(request: IncomingMessage, response: ServerResponse, mostBytes: number): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= mostBytes) return;
    // If the answer has gone out it is too late to say so; the connection ends either way.
    if (!response.headersSent) say(response, 413, 'No request here needs a body.', { Connection: 'close' });
    request.destroy();
  });
}
