import { EventEmitter } from 'node:events';
import { startDeadline, type Clock, type Timer } from '../clock.js';
import { PreforkError } from '../errors.js';
import type { ToMaster, ToWorker } from '../ipc/protocol.js';
import { fromText, toText } from '../ipc/user-message.js';
import { callListeners } from '../listeners.js';

type MessageOrder = Extract<ToWorker, { readonly type: 'message' | 'answer' }>;

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer | undefined;
}

/** Seconds after which `ask` gives up, unless it is given another time. */
const ASK_TIMEOUT = 30;

/** What the user's own messages need. */
export interface UserMessagesParts {
  readonly clock: Clock;
  /** @returns false if the master has gone, or does not read */
  readonly send: (fact: ToMaster) => boolean;
  /** Also gets every message. */
  readonly also: (message: unknown) => void;
  /** A listener failed. */
  readonly failed: (error: Error) => void;
}

/** The user's own messages, from and to the master. They still work while this worker drains, and fail quietly when the master has gone. */
export class UserMessages {
  readonly events: EventEmitter<{ message: [unknown] }> = new EventEmitter<{ message: [unknown] }>();
  readonly #parts: UserMessagesParts;
  readonly #questions = new Map<number, Question>();
  #asked = 0;
  /** What came before there was a listener; undefined once this worker has started. */
  #early: unknown[] | undefined = [];

  constructor(parts: UserMessagesParts) {
    this.#parts = parts;
    (this.events as EventEmitter).on('newListener', () => { parts.clock.soon(() => { this.#deliverEarly(); }); });
  }

  /** @returns false if the master has gone, or does not read */
  send(message: unknown): boolean {
    return this.#parts.send({ type: 'message', text: toText(message, 'send()'), ask: null });
  }

  /** @returns false if the master has gone, or does not read */
  broadcast(message: unknown): boolean {
    return this.#parts.send({ type: 'broadcast', text: toText(message, 'broadcast()') });
  }

  /** @param timeout - seconds; 0 = wait for as long as the master lives */
  async ask(message: unknown, timeout: number = ASK_TIMEOUT): Promise<unknown> {
    const text = toText(message, 'ask()');
    this.#asked += 1;
    const ask = this.#asked;
    if (!this.#parts.send({ type: 'message', text, ask })) throw unanswered('the master has gone, or does not read');
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const timer = timeout === 0 ? undefined : startDeadline(this.#parts.clock, timeout * 1000, () => { reject(unanswered(`there was none within ${timeout} s`)); });
        this.#questions.set(ask, { resolve, reject, timer });
      });
    } finally {
      this.#questions.get(ask)?.timer?.cancel();
      this.#questions.delete(ask);
    }
  }

  /** A message of the user's own has come, or an answer. */
  heard(order: MessageOrder): void {
    if (order.type === 'answer') return this.#answered(order);
    const message = fromText(order.text);
    if (this.#early !== undefined && this.events.listenerCount('message') === 0) this.#early.push(message);
    else this.#deliver(message);
  }

  /** The worker has started: messages are no longer kept. */
  started(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#deliver(message);
  }

  /** The master has gone: no answer will come. */
  closed(): void {
    for (const { reject } of this.#questions.values()) reject(unanswered('the master has gone'));
  }

  #answered({ ask, text, refused }: MessageOrder & { type: 'answer' }): void {
    const question = this.#questions.get(ask);
    if (refused === null) question?.resolve(text === null ? undefined : fromText(text));
    else question?.reject(unanswered(refused));
  }

  #deliverEarly(): void {
    if (this.events.listenerCount('message') === 0) return;
    for (const message of this.#early?.splice(0) ?? []) this.#deliver(message);
  }

  #deliver(message: unknown): void {
    // It may contain what a client has sent, and it reaches every worker: a listener that fails on it must not end them
    // all at once.
    callListeners(this.events, 'message', message, this.#parts.failed);
    this.#parts.also(message);
  }
}

const unanswered = (why: string): PreforkError => new PreforkError('ERR_PREFORK_MESSAGE', `ask() got no answer: ${why}.`);
