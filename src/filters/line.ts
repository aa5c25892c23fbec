import { builtIn } from '../built-ins.js';
import type { PreforkError } from '../errors.js';
import { BaseFilter } from './base-filter.js';
import { ByteQueue, EMPTY, bytesOf } from './byte-queue.js';
import type { Chunk, Handover } from './filter.js';
import {
  FIRST_PIECE, hasWideCharacters, LAST_PIECE, LineSettings, lineTooLong, resolveLineParameters, type LineOf, type LineParameters, type LineRecord,
} from './line-parameters.js';
import { bufferFull, recordError } from './parameters.js';
import { RecordQueue } from './record-queue.js';
import { handoverAfter, type Terminator } from './terminator.js';
import { joinViews } from './view.js';

const { isAscii } = builtIn('node:buffer');

/**
 * Cuts the byte stream into lines, without their terminators, and sends a terminator after every record: the default
 * filter, POE::Filter::Line.
 *
 * By default LF, CR LF, CR and LF CR end a line, in any mixture, and CR LF is sent. A line is delivered as soon as the
 * first byte of its terminator is there; the second byte is swallowed when it comes, so a pair that is split over two
 * reads counts as one terminator. Lines come as strings, or as Buffers with `Encoding: 'buffer'`.
 *
 * `get_one` and `get` throw ERR_PREFORK_RECORD_TOO_LONG when a line is, or becomes, longer than MaxLength. That line is
 * discarded as a whole, including what is still to come; the next line is delivered as usual. `get_one_start` and `get`
 * throw ERR_PREFORK_BUFFER_FULL, and take nothing, if more than MaxBuffer bytes of earlier reads still wait.
 *
 * @typeParam Line - what a line comes as, string or Buffer, or the Encoding that says so
 */
export class LineFilter<Line extends string | Buffer = string> extends BaseFilter<LineOf<Line>, LineRecord> {
  /** How the text of `put_text` becomes bytes. */
  readonly text_encoding: 'utf8' | 'latin1';
  readonly #settings: LineSettings;
  readonly #terminator: Terminator;
  /** What ends each record that is sent, as text; undefined if it cannot be text in text_encoding. */
  readonly #outputText: string | undefined;

  /** The current read, and the same as text with one character per byte, so that positions are the same in both. */
  #bytes: Buffer = EMPTY;
  #text = '';
  /** Where the next line begins in the current read. */
  #at = 0;
  /** Whether slices of #text are lines without further decoding. */
  #isPlain = false;
  // The two queues are made only when they are needed: most clients send whole lines, one read after the other, and a
  // worker has thousands of filters that are idle.
  /** The read that came after the current one; in #later those after it, in order; and how many bytes they all have. */
  #next: Buffer | undefined;
  #later: RecordQueue<Buffer> | undefined;
  #unread = 0;
  /** The beginning of the unfinished line, from earlier reads. It holds no terminator, so it is not searched again. */
  #rest: ByteQueue | undefined;
  /** The end of the unfinished line that could be the beginning of a terminator. */
  #held: Buffer = EMPTY;
  /** Whether the unfinished line was reported as too long. */
  #isDiscarding = false;
  /** How much of a read is taken up at once. */
  #most = FIRST_PIECE;

  /** @throws PreforkError ERR_PREFORK_FILTER if a parameter is unknown, of a wrong type or contradicts another */
  constructor(parameters?: LineParameters<Line>) {
    super();
    this.#settings = parameters instanceof LineSettings ? parameters : resolveLineParameters(parameters);
    this.#terminator = this.#settings.createTerminator();
    this.text_encoding = this.#settings.textEncoding;
    this.#outputText = this.#settings.outputText;
  }

  get_one_start(chunks: readonly Chunk[]): void {
    const waiting = this.#restLength() + this.#held.length + this.#text.length - this.#at + this.#unread;
    if (waiting > this.#settings.maxWaiting) throw bufferFull('LineFilter', waiting);
    for (const chunk of chunks) {
      const read = bytesOf(chunk);
      // An empty chunk is not a read: it does not show how the last terminator goes on.
      if (read.length === 0) continue;
      if (this.#next === undefined) this.#next = read;
      else (this.#later ??= new RecordQueue()).push([read]);
      this.#unread += read.length;
    }
  }

  protected override cut(): [] | [LineOf<Line>] {
    const terminator = this.#terminator;
    while (this.#at < this.#text.length || this.#openRead()) {
      if (!terminator.find(this.#text, this.#at)) {
        this.#closeRead();
        continue;
      }
      const from = this.#at;
      const to = terminator.start;
      this.#at = terminator.end;
      if (this.#isDiscarding) this.#isDiscarding = false;
      else if (this.#restLength() + to - from > this.#settings.maxLength) throw this.#tooLong();
      else return [this.#line(from, to)];
    }
    return [];
  }

  /** @throws PreforkError ERR_PREFORK_FILTER for an object that is not bytes, and for text that Encoding does not have */
  put(records: readonly LineRecord[]): Buffer[] {
    return records.map((record) => {
      if (!(record instanceof Uint8Array) && this.#outputText !== undefined) {
        return Buffer.from(this.#textOf(record) + this.#outputText, this.text_encoding);
      }
      const bytes = record instanceof Uint8Array ? record : Buffer.from(this.#textOf(record), this.text_encoding);
      return Buffer.concat([bytes, this.#settings.output]);
    });
  }

  /** As `put`, but as one text in `text_encoding`; undefined if a line cannot be text. @throws PreforkError ERR_PREFORK_FILTER as `put` */
  put_text(records: readonly LineRecord[]): string | undefined {
    let text = '';
    for (const record of records) {
      if (record instanceof Uint8Array || this.#outputText === undefined) return undefined;
      text += this.#textOf(record) + this.#outputText;
    }
    return text;
  }

  get_pending(): undefined | [Buffer] {
    const [pending] = this.#pending();
    return pending && [Buffer.from(pending)];
  }

  protected override remains(): Buffer[] {
    return this.get_pending === LineFilter.prototype.get_pending ? this.#pending() : super.remains();
  }

  #pending(): [] | [Buffer] {
    this.#skip();
    return joinViews([this.#rest?.peek() ?? EMPTY, this.#held, this.#bytes.subarray(this.#at), this.#next ?? EMPTY, ...this.#later?.peek() ?? []]);
  }

  override hand_over(): Handover {
    const { pending } = super.hand_over();
    return handoverAfter(this.#terminator.release(), pending);
  }

  protected override forget(): void {
    this.#next = this.#later = this.#rest = undefined;
    this.#unread = 0;
    this.#leaveRead();
    this.#held = EMPTY;
    this.#isDiscarding = false;
    this.#most = FIRST_PIECE;
  }

  clone(): LineFilter<Line> {
    // The settings take the place of the parameters that they were made from: every client gets a clone, and checking once is enough.
    return new LineFilter<Line>(this.#settings as LineParameters<Line>);
  }

  #restLength(): number {
    return this.#rest?.length ?? 0;
  }

  /** Passes what is not input: the second half of the last terminator, the end of a line that is too long. */
  #skip(): void {
    while (this.#at < this.#text.length || this.#openRead()) {
      if (this.#at === this.#text.length) continue;
      if (!this.#isDiscarding) return;
      if (this.#terminator.find(this.#text, this.#at)) {
        this.#at = this.#terminator.end;
        this.#isDiscarding = false;
      } else this.#closeRead();
    }
  }

  /** Takes the next read off the queue, or a first piece of it. */
  #takeRead(): Buffer | undefined {
    const read = this.#next;
    if (read === undefined) return undefined;
    const isCut = read.length > this.#most && this.#terminator.canBeCut;
    this.#next = isCut ? read.subarray(this.#most) : this.#later?.take()[0];
    const piece = isCut ? read.subarray(0, this.#most) : read;
    if (this.#most < LAST_PIECE) this.#most *= 2;
    this.#unread -= piece.length;
    return piece;
  }

  /** Takes up the next read, if there is one. */
  #openRead(): boolean {
    const read = this.#takeRead();
    if (read === undefined) {
      this.#leaveRead();
      return false;
    }
    this.#bytes = this.#held.length === 0 ? read : Buffer.concat([this.#held, read]);
    this.#held = EMPTY;
    this.#text = this.#bytes.toString('latin1');
    const { encoding } = this.#settings;
    this.#isPlain = encoding === 'latin1' || (encoding === 'utf8' && isAscii(this.#bytes));
    this.#at = this.#terminator.begin(this.#text);
    return true;
  }

  /** Puts aside the part of an unfinished line that the current read holds, unless the line is too long. */
  #closeRead(): void {
    const heldFrom = this.#text.length - this.#terminator.held(this.#text, this.#at);
    const unfinished = this.#bytes.subarray(this.#at, heldFrom);
    // A copy: a few bytes must not keep the whole read alive.
    this.#held = Buffer.from(this.#bytes.subarray(heldFrom));
    this.#leaveRead();
    if (this.#isDiscarding) return;
    if (this.#restLength() + unfinished.length > this.#settings.maxLength) {
      this.#isDiscarding = true;
      throw this.#tooLong();
    }
    if (unfinished.length > 0) (this.#rest ??= new ByteQueue()).push(unfinished);
  }

  #leaveRead(): void {
    this.#bytes = EMPTY;
    this.#text = '';
    this.#at = 0;
  }

  /** The line between two positions of the current read, with the part of it from earlier reads. */
  #line(from: number, to: number): LineOf<Line> {
    if (this.#rest !== undefined && this.#rest.length > 0) {
      this.#rest.push(this.#bytes.subarray(from, to));
      const whole = this.#rest.take();
      return this.#decode(whole, 0, whole.length);
    }
    if (this.#isPlain) return this.#text.slice(from, to) as LineOf<Line>;
    return this.#decode(this.#bytes, from, to);
  }

  #decode(bytes: Buffer, from: number, to: number): LineOf<Line> {
    const { encoding } = this.#settings;
    return (encoding === 'buffer' ? bytes.subarray(from, to) : bytes.toString(encoding, from, to)) as LineOf<Line>;
  }

  #textOf(record: unknown): string {
    if (typeof record === 'string') {
      if (this.text_encoding === 'latin1' && hasWideCharacters(record)) {
        throw recordError('LineFilter', record, "characters up to U+00FF with Encoding 'latin1'");
      }
      return record;
    }
    if (record === undefined || record === null) return '';
    if (typeof record === 'number' || typeof record === 'bigint' || typeof record === 'boolean') return String(record);
    throw recordError('LineFilter', record, 'strings, numbers, booleans and Buffers');
  }

  #tooLong(): PreforkError {
    this.#rest = undefined;
    return lineTooLong(this.#settings.maxLength);
  }
}
