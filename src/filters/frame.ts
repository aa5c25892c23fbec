import { PreforkError } from '../errors.js';
import { ByteFilter } from './byte-filter.js';
import type { Chunk } from './filter.js';
import { resolveFrameParameters, type FrameParameters, type FrameSettings } from './frame-parameters.js';
import { outputBytes } from './parameters.js';

/**
 * Cuts the byte stream into frames that have a binary length in their header. Records are Buffers: what follows the length
 * field, or with `Skip: 0` whole frames.
 *
 * `put` writes Start and the length field before each record. With Skip less than the default it takes whole frames and
 * fills in their length field.
 *
 * `get_one` and `get` throw ERR_PREFORK_RECORD_TOO_LONG for a frame longer than MaxLength: it is discarded as it comes, and
 * the frame after it is delivered as usual. They throw ERR_PREFORK_BAD_RECORD for input that does not begin with Start, and
 * for a length that no frame can have (below that of a header, or beyond the safe integers), and again whenever more input
 * comes: that is discarded, because it is unknown where the next frame begins. With Resync none of these is an error: input
 * is skipped until a frame begins. `get_one_start` and `get` throw ERR_PREFORK_BUFFER_FULL, and take nothing, if more than
 * MaxBuffer bytes of earlier reads still wait.
 */
export class FrameFilter extends ByteFilter<Buffer, Chunk | Uint8Array> {
  readonly #parameters: FrameParameters;
  readonly #settings: FrameSettings;
  /** Size of the frame that the queue begins with, once its header has been read. */
  #total = 0;
  #skipped = 0;

  /** @throws PreforkError ERR_PREFORK_FILTER if a parameter is unknown, of a wrong type or contradicts another */
  constructor(parameters: FrameParameters = {}) {
    const settings = resolveFrameParameters(parameters);
    super('FrameFilter', settings.maxBuffer);
    this.#parameters = { ...parameters };
    this.#settings = settings;
  }

  /** How many bytes Resync has skipped so far. */
  get skipped(): number {
    return this.#skipped;
  }

  protected override next(): [] | [Buffer] {
    if (this.#total === 0) this.#total = this.#header();
    const total = this.#total;
    if (total === 0 || this.queue.length < total) return this.unfinished();
    this.#total = 0;
    return [this.queue.take(total, this.#settings.skip)];
  }

  /**
   * @throws PreforkError ERR_PREFORK_FILTER for what is neither bytes nor a string, for a length that the length field cannot
   * hold, and for a frame without its header
   */
  put(records: readonly (Chunk | Uint8Array)[]): Buffer[] {
    const isWhole = this.#settings.skip < this.#settings.head;
    return records.map((record) => {
      const frame = isWhole ? this.#whole(outputBytes('FrameFilter', record)) : this.#withHeader(outputBytes('FrameFilter', record));
      this.#writeLength(frame);
      return frame;
    });
  }

  clone(): FrameFilter {
    return new FrameFilter(this.#parameters);
  }

  protected override forget(): void {
    super.forget();
    this.#total = 0;
  }

  /** Size of the frame that the queue begins with; 0 if its header is not complete. */
  #header(): number {
    const { head, adjustment, skip, maxLength, resync, start, lengthOffset, lengthBytes, isLittleEndian } = this.#settings;
    for (;;) {
      if (start.length > 0) this.#findStart();
      if (this.queue.length < head) return 0;
      const length = this.queue.number(lengthOffset, lengthBytes, isLittleEndian);
      const total = head + length + adjustment;
      const isPossible = Number.isSafeInteger(length) && Number.isSafeInteger(total) && total >= Math.max(head, skip);
      if (isPossible && total <= maxLength) return total;
      if (!resync) throw isPossible ? this.#overlong(total) : this.#impossible(length);
      this.#pass(1);
    }
  }

  /** Makes sure that the queue begins with Start, or with as much of it as has come. */
  #findStart(): void {
    const { start, resync } = this.#settings;
    if (this.#begins(0)) return;
    if (!resync) {
      const found = this.queue.peek(Math.min(this.queue.length, start.length));
      throw this.giveUp('ERR_PREFORK_BAD_RECORD', `A frame must begin with ${start.toString('hex')}, not with ${found.toString('hex')} (hexadecimal).`);
    }
    const at = this.queue.indexOf(start);
    this.#pass(at === -1 ? this.#firstPart() : at);
  }

  /** Where a first part of Start begins at the end of the queue; the queue's length if there is none. */
  #firstPart(): number {
    const { length } = this.queue;
    let at = Math.max(0, length - this.#settings.start.length + 1);
    while (at < length && !this.#begins(at)) at++;
    return at;
  }

  /** Whether Start, or as much of it as has come, is at a place of the queue. */
  #begins(place: number): boolean {
    const { start } = this.#settings;
    const end = Math.min(start.length, this.queue.length - place);
    for (let at = 0; at < end; at++) if (start[at] !== this.queue.at(place + at)) return false;
    return true;
  }

  #pass(bytes: number): void {
    this.queue.drop(bytes);
    this.#skipped += bytes;
  }

  #overlong(total: number): PreforkError {
    return this.tooLong(total, `A frame of ${total} bytes is longer than MaxLength (${this.#settings.maxLength}); it is discarded.`);
  }

  #impossible(length: number): PreforkError {
    const { adjustment, head, skip } = this.#settings;
    const least = skip > head ? `, Skip is ${skip}` : '';
    return this.giveUp('ERR_PREFORK_BAD_RECORD', `No frame can have the length ${length} (LengthAdjustment is ${adjustment}${least}): it is unknown where the next one begins.`);
  }

  /** A copy of a whole frame, in which the length can be written. */
  #whole(frame: Buffer): Buffer {
    const { head, start } = this.#settings;
    if (frame.length < head) throw refused(`a frame of ${frame.length} bytes: with this Skip it takes whole frames, whose header has ${head} bytes`);
    if (!frame.subarray(0, start.length).equals(start)) {
      throw refused(`a frame that begins with ${frame.toString('hex', 0, start.length)}; Start is ${start.toString('hex')} (hexadecimal)`);
    }
    return Buffer.from(frame);
  }

  /** A record with room for its length before it. */
  #withHeader(record: Buffer): Buffer {
    const { head, start, lengthOffset } = this.#settings;
    if (start.length < lengthOffset) {
      throw refused(`a record without the ${lengthOffset - start.length} bytes before its length field, which it cannot know; give Skip: 0 and put whole frames`);
    }
    const frame = Buffer.allocUnsafe(head + record.length);
    start.copy(frame);
    record.copy(frame, head);
    return frame;
  }

  #writeLength(frame: Buffer): void {
    const { lengthOffset, lengthBytes, isLittleEndian, head, adjustment, greatest } = this.#settings;
    const length = frame.length - head - adjustment;
    if (length < 0 || length > greatest) {
      throw refused(`a frame of ${frame.length} bytes: its length field of ${lengthBytes} byte${lengthBytes === 1 ? '' : 's'} would have to hold ${length}, and holds 0 to ${greatest}`);
    }
    let rest = length;
    for (let at = 0; at < lengthBytes; at++) {
      frame[isLittleEndian ? lengthOffset + at : head - 1 - at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }
}

const refused = (what: string): PreforkError => new PreforkError('ERR_PREFORK_FILTER', `FrameFilter cannot send ${what}.`);
