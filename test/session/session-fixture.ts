import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { AnyFilter } from '../../src/filters/filter.js';
import { LineFilter } from '../../src/filters/line.js';
import type { Admission } from '../../src/session/admission.js';
import type { ClientConfig, SessionCallbacks } from '../../src/session/client-config.js';
import { Clients, type ClientParts } from '../../src/session/clients.js';
import { EventQueue } from '../../src/session/event-queue.js';
import { toReport } from '../../src/worker/error-report.js';
import { ManualClock, turn } from '../support/manual-clock.js';

/** One end of a connection in memory. What is written to one end can be read from the other, unless that has stopped reading. */
class End extends Duplex {
  remoteAddress: string | undefined = '127.0.0.1';
  remotePort: number | undefined = 4711;
  /** Whether what the other end writes is taken; a peer that does not read lets the other's queue grow. */
  #isReading = true;
  #other: End | undefined;
  readonly #held: (() => void)[] = [];

  constructor() {
    super({ allowHalfOpen: true });
  }

  pairWith(other: End): void {
    this.#other = other;
  }

  stopReading(): void {
    this.#isReading = false;
  }

  readOn(): void {
    this.#isReading = true;
    for (const take of this.#held.splice(0)) take();
  }

  override _read(): void {
    // What comes is pushed as it comes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#give(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#give(null, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.#other;
    // A FIN if all is well; the other end may write on, and it is not read.
    setImmediate(() => { if (other?.destroyed === false && !other.readableEnded) other.push(null); });
    done(error);
  }

  #give(chunk: Buffer | null, done: () => void): void {
    const other = this.#other;
    const take = (): void => {
      if (other?.destroyed === false && !other.readableEnded) other.push(chunk);
      done();
    };
    if (other === undefined || other.#isReading) take();
    else other.#held.push(take);
  }
}

/** A client as it is from outside. */
export class TestClient {
  /** The connection as the worker has it. */
  readonly socket: Socket;
  readonly #inner: End;
  readonly #outer: End;
  #text = '';
  hasEnded = false;

  constructor({ address = '127.0.0.1', port = 4711 }: { readonly address?: string | undefined; readonly port?: number } = {}) {
    this.#inner = new End();
    this.#outer = new End();
    this.#inner.pairWith(this.#outer);
    this.#outer.pairWith(this.#inner);
    this.#inner.remoteAddress = address;
    this.#inner.remotePort = port;
    this.#outer.on('data', (chunk: Buffer) => { this.#text += chunk.toString('latin1'); });
    this.#outer.on('end', () => { this.hasEnded = true; });
    this.socket = this.#inner as unknown as Socket;
  }

  /** Everything received so far. */
  get text(): string {
    return this.#text;
  }

  async send(text: string): Promise<void> {
    this.#outer.write(text, 'latin1');
    await turn();
    await turn();
  }

  /** Sends nothing more; reads on. */
  async end(): Promise<void> {
    this.#outer.end();
    await turn();
    await turn();
  }

  /** Does not take what the worker sends. */
  stopReading(): void {
    this.#outer.stopReading();
  }

  async readOn(): Promise<void> {
    this.#outer.readOn();
    await turn();
    await turn();
  }

  /** The connection fails, as it does after a reset. */
  async fail(code = 'ECONNRESET'): Promise<void> {
    this.socket.destroy(Object.assign(new Error(`read ${code}`), { code, syscall: 'read' }));
    await turn();
    await turn();
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }
}

const NO_CALLBACKS: SessionCallbacks = {
  connected: undefined, input: () => undefined, disconnected: undefined, error: undefined, flushed: undefined, high: undefined, low: undefined,
  draining: undefined, states: new Map(),
};

const OPEN_DOOR: Admission = { admit: () => true, release: () => undefined, block: () => undefined };

/** What a test may set; the rest is as usual. */
export type Given = Partial<Omit<ClientConfig, 'callbacks'>> & Partial<Pick<ClientParts, 'isLocal'>> & {
  readonly admission?: Admission;
  readonly callbacks?: Partial<SessionCallbacks>;
};

/** Filters as most clients have them: one for both directions. */
export const bothWays = (create: () => AnyFilter): ClientConfig['createFilters'] => () => {
  const both = create();
  return { input: both, output: both };
};

/** The clients of a worker, with their clock, and what they report. */
export class TestClients {
  readonly clock: ManualClock;
  readonly queue: EventQueue;
  readonly clients: Clients;
  /** Faults of callbacks, as the master hears of them. */
  readonly failures: { readonly where: string; readonly message: string; readonly code: unknown }[] = [];
  /** How many clients have gone. */
  left = 0;

  constructor({ callbacks, admission = OPEN_DOOR, isLocal = () => false, ...config }: Given = {}, { clock = new ManualClock(), left = () => undefined }: { readonly clock?: ManualClock; readonly left?: () => void } = {}) {
    this.clock = clock;
    this.queue = new EventQueue(this.clock);
    this.clients = new Clients({
      config: {
        shutdownOnError: true, acceptor: undefined, preConnect: undefined, preConnectMs: Infinity, idleMs: 0,
        clientArgs: [], marks: { high: 1024, low: 256 }, createFilters: bothWays(() => new LineFilter()),
        ...config,
        callbacks: { ...NO_CALLBACKS, ...callbacks },
      },
      clock: this.clock, queue: this.queue, alias: 'server', masterAlias: 'manager', admission, isLocal,
      failed: (error, where) => {
        // As the worker's reports: an error of the user's may throw when it is read.
        const { message, code } = toReport(error, where);
        this.failures.push({ where, message, code });
      },
      left: () => {
        this.left += 1;
        left();
      },
    });
  }

  /** A client connects. */
  async connect(client: TestClient = new TestClient()): Promise<TestClient> {
    if (this.clients.admit(client.socket)) this.clients.take(client.socket);
    await turn();
    return client;
  }

  /** Lets what has been posted and put be handled. */
  async settle(): Promise<void> {
    this.clock.settle();
    await turn();
    await turn();
  }
}
