import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from '../callbacks.js';
import { PreforkError } from '../errors.js';
import type { AnyFilter } from '../filters/filter.js';
import { Hold, type Input } from './input.js';

/** What a wheel tells its session. */
export interface WheelHost {
  /** Whether anybody wants to know when the output is flushed. */
  readonly wantsFlushed: boolean;
  high(): void;
  low(): void;
  flushed(): void;
  report(error: Error): void;
}

/** Text that is worth a write of its own, in characters. */
const FULL = 64 * 1024;

/** The connection of a session: what `heap.client` is. Its output is collected and written once per turn. */
export class Wheel implements Client {
  readonly ID: number;
  readonly socket: Socket;
  readonly #stream: Duplex;
  readonly #input: Input;
  readonly #host: WheelHost;
  #output: AnyFilter;
  #highMark: number;
  #lowMark: number;
  #isHigh = false;
  #text = '';
  #chunks: Uint8Array[] = [];
  #isScheduled = false;
  #ended = false;
  readonly #written = (error?: Error | null): void => { if (error == null) this.#afterWrite(); };

  constructor({ id, stream, input, output, marks, host }: {
    id: number; stream: Duplex; input: Input; output: AnyFilter; marks: { readonly high: number; readonly low: number }; host: WheelHost;
  }) {
    this.ID = id;
    this.#stream = stream;
    // A stream that ClientPreConnect put in the place of the socket has what a net.Socket has, or the user knows better.
    this.socket = stream as unknown as Socket;
    this.#input = input;
    this.#output = output;
    this.#highMark = marks.high;
    this.#lowMark = marks.low;
    this.#host = host;
  }

  put(...records: unknown[]): boolean {
    if (this.#ended || this.#stream.writableEnded) {
      this.#host.report(new PreforkError('ERR_PREFORK_ENDED', 'put() was called after the client had gone or its output was shut down; nothing was sent. Ask heap.shutdown first.'));
      return false;
    }
    const text = this.#output.put_text?.(records);
    if (text === undefined) {
      this.#sealText();
      this.#chunks.push(...this.#output.put(records));
    } else {
      this.#text += text;
    }
    if (this.#text.length >= FULL) this.flush();
    // What the records of one read are answered with goes out together, when the last of them has been handled.
    else if (!this.#isScheduled && !this.#input.isPumping) {
      this.#isScheduled = true;
      process.nextTick(flushWheel, this);
    }
    // The kernel may take it all: only what it leaves is queued, and only then ClientLow will follow.
    if (!this.#isHigh && this.#mayReach(this.#highMark) && this.get_driver_out_octets() >= this.#highMark) this.flush();
    return this.#isHigh;
  }

  flush(): void {
    this.#isScheduled = false;
    if (this.#text === '' && this.#chunks.length === 0) return;
    if (this.#stream.destroyed || this.#ended) {
      this.#text = '';
      this.#chunks = [];
      return;
    }
    const callback = this.#host.wantsFlushed || this.#isHigh || this.#mayReach(this.#lowMark) ? this.#written : undefined;
    if (this.#chunks.length === 0) {
      const text = this.#text;
      this.#text = '';
      this.#stream.write(text, this.#encoding, callback);
    } else {
      this.#sealText();
      const chunks = this.#chunks;
      this.#chunks = [];
      this.#stream.cork();
      for (const chunk of chunks) this.#stream.write(chunk, callback);
      this.#stream.uncork();
    }
    if (!this.#isHigh && this.#stream.writableLength >= this.#highMark) {
      this.#isHigh = true;
      this.#input.hold(Hold.output);
      this.#host.high();
    }
  }

  /** Sends what is queued and then FIN; calls back when all of it is in the kernel's hands. */
  end(done: (error?: Error | null) => void): void {
    this.flush();
    // After shutdown_output() a second end() would fail.
    if (this.#stream.writableFinished) queueMicrotask(done);
    else this.#stream.end(done);
  }

  /** Whether there is output that the kernel has not taken yet. */
  get isPending(): boolean {
    return this.#text !== '' || this.#chunks.length > 0 || this.#stream.writableLength > 0;
  }

  /** The session is over: a later `put` is reported. */
  close(): void {
    this.flush();
    this.#ended = true;
  }

  set_filter(filter: AnyFilter): void {
    this.set_output_filter(filter);
    this.set_input_filter(filter);
  }

  set_input_filter(filter: AnyFilter): void {
    this.#input.replace(filter);
  }

  set_output_filter(filter: AnyFilter): void {
    this.#sealText();
    this.#output = filter;
  }

  get_input_filter(): AnyFilter {
    return this.#input.filter;
  }

  get_output_filter(): AnyFilter {
    return this.#output;
  }

  set_high_mark(bytes: number): void {
    this.#highMark = checkedMark('set_high_mark', bytes);
  }

  set_low_mark(bytes: number): void {
    this.#lowMark = checkedMark('set_low_mark', bytes);
  }

  get_driver_out_octets(): number {
    let octets = this.#stream.writableLength;
    for (const chunk of this.#chunks) octets += chunk.length;
    return this.#text === '' ? octets : octets + Buffer.byteLength(this.#text, this.#encoding);
  }

  get_driver_out_messages(): number {
    return this.#chunks.length + (this.#text === '' ? 0 : 1);
  }

  pause_input(): void {
    this.#input.hold(Hold.user);
  }

  resume_input(): void {
    this.#input.release(Hold.user);
  }

  shutdown_input(): void {
    this.#input.ignore();
  }

  shutdown_output(): void {
    this.flush();
    this.#stream.end();
  }

  get #encoding(): 'utf8' | 'latin1' {
    return this.#output.text_encoding ?? 'utf8';
  }

  /** Turns collected text into bytes, so that what follows it may have another form. */
  #sealText(): void {
    if (this.#text === '') return;
    this.#chunks.push(Buffer.from(this.#text, this.#encoding));
    this.#text = '';
  }

  /** Whether the queue could be as long as a mark: a cheap answer for the many clients that never come near one. */
  #mayReach(mark: number): boolean {
    return this.#chunks.length > 0 || this.#stream.writableLength + 3 * this.#text.length >= mark;
  }

  #afterWrite(): void {
    const isLow = this.#isHigh && this.#stream.writableLength <= this.#lowMark;
    if (isLow) {
      this.#isHigh = false;
      if (!this.#ended) this.#host.low();
    }
    if (!this.isPending) this.#host.flushed();
    // Last, for the next record may put more; and not if ClientLow has filled the queue again.
    if (isLow && !this.#isHigh) this.#input.release(Hold.output);
  }
}

function flushWheel(wheel: Wheel): void {
  wheel.flush();
}

function checkedMark(call: string, bytes: unknown): number {
  if (typeof bytes === 'number' && bytes >= 0) return bytes;
  throw new PreforkError('ERR_PREFORK_STATE', `heap.client.${call} was given ${String(bytes)}; it takes a number of bytes.`);
}
