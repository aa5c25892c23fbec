import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from '../client.js';
import { PreforkError } from '../errors.js';
import type { AnyFilter } from '../filters/filter.js';
import { checkedEncoding, checkedFilter, checkedMark, checkedOutput, checkedText } from './arguments.js';
import { afterThis, doneDoor, endThen } from './entry.js';
import { Hold, type Input } from './input.js';
import { lentSocket } from './lent.js';
import { FULL, OutputQueue } from './output-queue.js';
import type { OutputListener, WheelHost } from './wheel-host.js';

/** The connection of a session: what `heap.client` is. Its output is collected and written once per turn. */
export class Wheel implements Client {
  readonly ID: number;
  readonly #stream: Duplex;
  readonly #input: Input;
  readonly #host: WheelHost;
  readonly #listener: OutputListener;
  #filter: AnyFilter;
  /** What has been put and not yet been handed to the stream; most clients have none most of the time. */
  #output: OutputQueue | undefined;
  #highMark: number;
  #lowMark: number;
  /** The queue is measured when it could have this many octets. */
  #measureAt = 0;
  #isHigh = false;
  #isScheduled = false;
  /** Output has been put since ClientFlushed was last called. */
  #isDirty = false;
  #stage: 'open' | 'finishing' | 'ended' = 'open';
  #isFull = false;
  /** `#afterWrite` is due in a later turn. */
  #hasGivenWay = false;
  /** Octets handed to the stream so far, or characters in the case of text. */
  #handed = 0;
  /** Made only when needed, which is rare. */
  #written: ((error?: Error | null) => void) | undefined;

  constructor({ id, stream, input, output, marks, host, listener }: {
    id: number; stream: Duplex; input: Input; output: AnyFilter; marks: { readonly high: number; readonly low: number };
    host: WheelHost; listener: OutputListener;
  }) {
    this.ID = id;
    this.#stream = stream;
    this.#input = input;
    this.#filter = output;
    this.#highMark = marks.high;
    this.#lowMark = marks.low;
    this.#host = host;
    this.#listener = listener;
  }

  get socket(): Socket {
    return lentSocket(this.#stream, this.#host);
  }

  put(...records: unknown[]): boolean {
    if (this.#stage === 'ended' || this.#stream.writableEnded) {
      if (this.#stage !== 'finishing' || this.#host.isOver) this.#host.report(new PreforkError('ERR_PREFORK_ENDED', 'put() was called after the client had gone or its output was shut down; nothing was sent. Ask heap.shutdown first.'));
      return false;
    }
    const text = checkedText(this.#filter.put_text?.(records));
    const output = (this.#output ??= new OutputQueue());
    if (text !== undefined) output.addText(text, checkedEncoding(this.#filter.text_encoding));
    else for (const chunk of checkedOutput(this.#filter.put(records))) output.addBytes(chunk);
    this.#isDirty ||= !output.isEmpty;
    if (output.octetsAtMost >= FULL) this.flush();
    // The answers to the records of one read go out together, when the last of them has been handled.
    else if (!this.#isScheduled && !this.#input.isPumping) {
      this.#isScheduled = true;
      afterThis(this.#host, () => { this.flush(); });
    }
    // The kernel may take it all: only what it leaves is queued, and only then will ClientLow follow.
    if (!this.#isHigh && this.#mayReach(this.#measureAt)) this.#measure();
    return this.#isHigh;
  }

  flush(): void {
    this.#isScheduled = false;
    this.#measureAt = this.#high();
    if (this.#output === undefined) return;
    if (this.#stream.destroyed || this.#stage === 'ended' || this.#isFull) { this.#output = undefined; return; }
    const before = this.#stream.writableLength;
    if (before > this.#host.maxOutput) {
      this.#isFull = true;
      this.#output = undefined;
      this.#host.overflowed(before);
      return;
    }
    const wants = this.#listener.wantsFlushed || this.#isHigh || this.#mayReach(this.#low());
    this.#write(wants ? this.#written ??= doneDoor(this.#host, () => { this.#afterWrite(); }) : undefined);
    const queued = this.#stream.writableLength;
    if (!this.#isHigh && queued > 0 && queued >= this.#high()) {
      this.#isHigh = true;
      this.#input.hold(Hold.output);
      this.#listener.high();
    }
  }

  /** Sends what is queued and then FIN; calls back when the kernel has all of it. Until then a `put` is not a fault: ClientDisconnected has not been called. */
  finish(done: () => void): void {
    this.#stage = 'finishing';
    this.flush();
    if (this.#hasGivenWay) this.#afterWrite();
    // ClientHigh or ClientFlushed may have put more.
    this.flush();
    // After shutdown_output() a second end() would fail.
    if (this.#stream.writableFinished) afterThis(this.#host, done);
    else endThen(this.#stream, this.#host, done);
  }

  /** Whether ClientFlushed or ClientLow will follow what has been put: they may put more. */
  get mayGrow(): boolean {
    this.flush();
    return !this.#stream.writableEnded && !this.#stream.destroyed && this.#listener.isDue(this.#isDirty, this.#isHigh);
  }

  /** Whether there is output that the kernel has not taken yet. */
  get isPending(): boolean {
    return this.#output?.isEmpty === false || this.#stream.writableLength > 0;
  }

  /** Octets that the kernel has taken so far: it grows with everything that the client takes, whatever the size of a write. */
  get octetsTaken(): number {
    const { _handle: handle } = this.#stream as { _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null };
    const { bytesWritten, writeQueueSize } = handle ?? {};
    return bytesWritten === undefined || writeQueueSize === undefined ? this.#handed - this.#stream.writableLength : bytesWritten - writeQueueSize;
  }

  /** The session is over: a later `put` is reported. */
  close(): void {
    this.flush();
    this.#stage = 'ended';
  }

  set_filter(filter: AnyFilter): void {
    checkedFilter('set_filter', filter);
    this.set_output_filter(filter);
    this.set_input_filter(filter);
  }

  set_input_filter(filter: AnyFilter): void {
    this.#input.replace(checkedFilter('set_input_filter', filter));
  }

  set_output_filter(filter: AnyFilter): void {
    this.#filter = checkedFilter('set_output_filter', filter);
  }

  get_input_filter(): AnyFilter {
    return this.#input.filter;
  }

  get_output_filter(): AnyFilter {
    return this.#filter;
  }

  set_high_mark(bytes: number): void {
    this.#highMark = checkedMark('set_high_mark', bytes);
    this.#measureAt = 0;
  }

  set_low_mark(bytes: number): void {
    this.#lowMark = checkedMark('set_low_mark', bytes);
  }

  get_driver_out_octets(): number {
    return this.#stream.writableLength + (this.#output?.octets ?? 0);
  }

  get_driver_out_messages(): number {
    return this.#output?.messages ?? 0;
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
    // ClientHigh may have put more.
    this.flush();
    this.#stream.end();
  }

  /** By default not above MaxOutput, so that a client that merely takes its output slowly is held back before it would be ended. */
  #high(): number { return Math.min(this.#highMark, this.#host.mostHigh); }

  /** A LowMark above the HighMark, as between two calls that change both, counts as equal to it. */
  #low(): number { return Math.min(this.#lowMark, this.#high()); }

  #write(written: ((error?: Error | null) => void) | undefined): void {
    const output = this.#output?.take();
    this.#output = undefined;
    if (output === undefined) return;
    if ('text' in output) {
      this.#handed += output.text.length;
      this.#stream.write(output.text, output.encoding, written);
      return;
    }
    const { pieces } = output;
    if (pieces.length > 1) this.#stream.cork();
    pieces.forEach((piece, index) => {
      this.#handed += piece.length;
      this.#stream.write(piece, index === pieces.length - 1 ? written : undefined);
    });
    if (pieces.length > 1) this.#stream.uncork();
  }

  /** Whether the queue could have reached a mark: a cheap check for the many clients that never come near one. */
  #mayReach(octets: number): boolean {
    return this.#stream.writableLength + (this.#output?.octetsAtMost ?? 0) >= octets;
  }

  /** Flushes if the queue has reached HighMark; if not, it is not measured again until it could have. */
  #measure(): void {
    const octets = this.get_driver_out_octets();
    if (octets >= this.#high()) this.flush();
    else this.#measureAt = this.#stream.writableLength + (this.#output?.octetsAtMost ?? 0) + this.#high() - octets;
  }

  #afterWrite(): void {
    // If ClientFlushed always puts more and the kernel always takes it, nothing else would ever run.
    this.#hasGivenWay = this.#stage === 'open' && this.#host.turns.isOver();
    if (this.#hasGivenWay) { this.#host.turns.giveWay(this.#host, () => { this.#afterWrite(); }); return; }
    const isLow = this.#isHigh && this.#stream.writableLength <= this.#low();
    if (isLow) {
      this.#isHigh = false;
      if (this.#stage !== 'ended') this.#listener.low();
    }
    if (this.#isDirty && !this.isPending) {
      this.#isDirty = false;
      if (!this.#host.isOver) this.#listener.flushed();
    }
    // Last, because the next record may put more; and not if ClientLow has filled the queue again.
    if (isLow && !this.#isHigh) this.#input.release(Hold.output);
  }
}
