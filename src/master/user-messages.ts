import type { ToMaster } from '../ipc/protocol.js';
import { fromText, toText } from '../ipc/user-message.js';
import type { WorkerMessageEvent } from '../server-events.js';
import type { Emit } from './events.js';
import { onRefusal } from './hear-message.js';
import type { Roster } from './roster.js';
import type { WorkerRecord } from './worker-record.js';

type MessageFact = Extract<ToMaster, { readonly type: 'message' | 'broadcast' }>;

/** The user's own messages, from and to the workers; also draining ones, as long as they live. */
export class UserMessages {
  readonly #roster: Roster;
  readonly #emit: Emit;
  readonly #isHeard: () => boolean;

  /** @param isHeard - whether anyone listens to worker:message */
  constructor(roster: Roster, emit: Emit, isHeard: () => boolean) {
    this.#roster = roster;
    this.#emit = emit;
    this.#isHeard = isHeard;
  }

  /** @returns false if there is no such worker, its channel is closed, or it does not read */
  send(pid: number, message: unknown): boolean {
    const text = toText(message, 'send()');
    return this.#roster.withPid(pid)?.process.send({ type: 'message', text }) ?? false;
  }

  /** @returns how many workers it was sent to */
  broadcast(message: unknown): number {
    return this.#pass(toText(message, 'broadcast()'));
  }

  /** A worker sent a message, or asks for one to be sent to all. */
  heard(record: WorkerRecord, fact: MessageFact): void {
    if (fact.type === 'broadcast') this.#pass(fact.text);
    else this.#deliver(record, fact);
  }

  /** A worker's program sent a message with Node's own means, before there was a server in it. */
  heardRaw({ pid, id }: WorkerRecord, message: unknown): void {
    this.#emit('worker:message', { pid, id, message, answer: () => false });
  }

  // One place passes every message on, so that all workers see them in the same order.
  #pass(text: string): number {
    return this.#roster.all().filter(({ process }) => process.send({ type: 'message', text })).length;
  }

  #deliver(record: WorkerRecord, { text, ask }: MessageFact & { type: 'message' }): void {
    const { pid, id, process } = record;
    if (ask !== null && !this.#isHeard()) {
      process.send({ type: 'answer', ask, text: null, refused: 'the master has no listener for worker:message' });
      return;
    }
    let isOpen = ask !== null;
    const reply = (answerText: string | null, refused: string | null): boolean => {
      if (ask === null || !isOpen) return false;
      isOpen = false;
      return process.send({ type: 'answer', ask, text: answerText, refused });
    };
    const answer: WorkerMessageEvent['answer'] = (value) => reply(value === undefined ? null : toText(value, 'answer()'), null);
    this.#emit('worker:message', onRefusal({ pid, id, message: fromText(text), answer }, (why) => { reply(null, why); }));
  }
}
