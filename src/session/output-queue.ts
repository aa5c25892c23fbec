/** How many bytes are worth a write of their own. */
export const FULL: number = 64 * 1024;
/** Buffers up to this size are copied when they are put: many small ones cost less in one piece, and the caller may reuse them. */
const SMALL = 4096;
const FIRST_ROOM = 512;

/** What is handed to a stream: a text, or pieces. */
export type Output = { readonly text: string; readonly encoding: 'utf8' | 'latin1' } | { readonly pieces: readonly Uint8Array[] };

/**
 * Output that has been put and not yet handed to the stream, in order. Text is kept as text: one conversion of all lines of a
 * turn costs less than one for each. The cost of a call depends only on the output that it adds.
 */
export class OutputQueue {
  #text = '';
  #encoding: 'utf8' | 'latin1' = 'utf8';
  #pieces: Uint8Array[] | undefined;
  /** Octets of the pieces and of what is gathered. */
  #octets = 0;
  /** Small buffers, put together. */
  #room: Buffer | undefined;
  #used = 0;

  get isEmpty(): boolean {
    return this.#octets === 0 && this.#text === '';
  }

  /** An upper bound of the octets queued, which is cheap since text is not measured. */
  get octetsAtMost(): number {
    return this.#octets + 3 * this.#text.length;
  }

  /** How many octets are queued. */
  get octets(): number {
    return this.#text === '' ? this.#octets : this.#octets + Buffer.byteLength(this.#text, this.#encoding);
  }

  /** How many pieces are queued. */
  get messages(): number {
    return (this.#pieces?.length ?? 0) + (this.#used > 0 ? 1 : 0) + (this.#text === '' ? 0 : 1);
  }

  addText(text: string, encoding: 'utf8' | 'latin1'): void {
    if (encoding !== this.#encoding) {
      this.#sealText();
      this.#encoding = encoding;
    }
    this.#text += text;
  }

  addBytes(bytes: Uint8Array): void {
    this.#sealText();
    this.#add(bytes);
  }

  /** Takes everything out; undefined if there is nothing. */
  take(): Output | undefined {
    if (this.isEmpty) return undefined;
    if (this.#octets === 0) {
      const text = this.#text;
      this.#text = '';
      return { text, encoding: this.#encoding };
    }
    this.#sealText();
    this.#sealRoom();
    const pieces = this.#pieces ?? [];
    this.clear();
    return { pieces };
  }

  clear(): void {
    this.#text = '';
    this.#pieces = undefined;
    this.#room = undefined;
    this.#octets = this.#used = 0;
  }

  #add(bytes: Uint8Array): void {
    this.#octets += bytes.length;
    if (bytes.length > SMALL) {
      this.#sealRoom();
      this.#push(bytes);
      return;
    }
    const needed = this.#used + bytes.length;
    if (this.#room === undefined || needed > this.#room.length) this.#makeRoom(needed);
    this.#room?.set(bytes, this.#used);
    this.#used = needed;
  }

  #makeRoom(needed: number): void {
    const room = Buffer.allocUnsafe(Math.max(FIRST_ROOM, 2 * needed));
    this.#room?.copy(room, 0, 0, this.#used);
    this.#room = room;
  }

  #sealRoom(): void {
    if (this.#used > 0 && this.#room !== undefined) this.#push(this.#room.subarray(0, this.#used));
    this.#room = undefined;
    this.#used = 0;
  }

  /** Turns text into bytes, so that what follows it may have another form. */
  #sealText(): void {
    if (this.#text === '') return;
    const bytes = Buffer.from(this.#text, this.#encoding);
    this.#text = '';
    this.#add(bytes);
  }

  #push(bytes: Uint8Array): void {
    if (this.#pieces === undefined) this.#pieces = [bytes];
    else this.#pieces.push(bytes);
  }
}
