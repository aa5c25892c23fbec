import { flag, positive } from '../../checks.js';
import type { Buffer } from 'node:buffer';
import { BaseFilter } from '../base-filter.js';
import { ByteQueue, EMPTY } from '../byte-queue.js';
import { ChunkedContent } from './chunked-content.js';
import type { Chunk } from '../filter.js';
import { endOfHead, hasContent, MAX_HEAD, readHead, type HttpdFraming } from './head.js';
import type { HttpdRecord, HttpdRequest, HttpdResponse } from './records.js';
import { HttpdFault } from './fault.js';
import { responseBytes } from './response.js';
import { limitProblems } from '../block-parameters.js';
import { bufferFull, checkParameters } from '../parameters.js';

/** Parameters of {@link HttpdFilter}. */
export interface HttpdParameters {
  /** Longest content of a request, in bytes. Default 1 MiB, or what MaxBuffer leaves. A longer one is refused with 413. */
  readonly MaxContent?: number | undefined;
  /**
   * Bytes of earlier reads that may wait when more come. Default: twice MaxContent (chunks may be small) and a header. A
   * request that needs more is refused with 413.
   */
  readonly MaxBuffer?: number | undefined;
  /** Whether a request is delivered as soon as its header is there, and its content in records of type 'body'. Default false. */
  readonly Streaming?: boolean | 0 | 1 | undefined;
  /**
   * Whether a request with `Expect: 100-continue` whose content has not come yields a record of type 'expect' first, so that the
   * handler can send 100 (Continue), or refuse the content before it is sent. Default false: such a client waits a while and then
   * sends its content. With Streaming it is not needed: the request itself comes before its content.
   */
  readonly Expect?: boolean | 0 | 1 | undefined;
}

/**
 * Turns the byte stream of an HTTP/1 client into request objects and takes response objects. It is a filter, not a web
 * server: the handler answers every request, in order, and ends the session if it is not to be kept alive (`keepAlive`).
 *
 * A request that cannot be accepted yields a record of type 'response' instead, which the handler puts before it ends the session:
 * 400 for what is not an HTTP/1 request or is ambiguous, 411 for encoded content without a length, 413 for more than MaxContent,
 * 431 for a header of more than 64 KiB, 501 for an unknown Transfer-Encoding, 505 for a version other than HTTP/1. Everything after
 * it is discarded: where the next request begins cannot be known. White space before a request is skipped.
 *
 * A response is sent as HTTP/1.1 unless it has a `version`, with a Content-Length unless its headers have one (give undefined to
 * omit it) or a Transfer-Encoding. `put` throws ERR_PREFORK_FILTER for a response whose end the client would look for in the wrong
 * place: content with a status that has none, a Content-Length that is not the length of the body, or two statements of the length.
 * `get_one_start` and `get` throw ERR_PREFORK_BUFFER_FULL, and take nothing, if more than MaxBuffer bytes of earlier reads still
 * wait. `get_pending` returns the bytes of the unfinished request; with Streaming, those of content that has not been taken.
 */
export class HttpdFilter extends BaseFilter<HttpdRecord, HttpdResponse> {
  readonly #parameters: HttpdParameters;
  readonly #limits: { readonly maxContent: number; readonly maxBuffer: number };
  readonly #queue = new ByteQueue();
  /** Bytes at the beginning of the queue that need not be looked at again. */
  #seen = 0;
  /** The request whose content is coming; with Streaming it has been delivered already. */
  #open: OpenRequest | undefined;
  #isRefused = false;

  /** @throws PreforkError ERR_PREFORK_FILTER if a parameter is unknown, of a wrong type or contradicts another */
  constructor(parameters: HttpdParameters = {}) {
    super();
    checkParameters('HttpdFilter', parameters, CHECKS, () => limitProblems('MaxContent', parameters.MaxContent, parameters.MaxBuffer));
    const { MaxContent, MaxBuffer } = parameters;
    this.#parameters = { ...parameters };
    const maxContent = MaxContent ?? Math.min(MIB, Math.max(1, (MaxBuffer ?? Infinity) - MAX_HEAD));
    this.#limits = { maxContent, maxBuffer: Math.max(MaxBuffer ?? maxContent * 2, maxContent + MAX_HEAD) };
  }

  get_one_start(chunks: readonly Chunk[]): void {
    if (this.#isRefused) return;
    if (this.#queue.length > this.#limits.maxBuffer) throw bufferFull('HttpdFilter', this.#queue.length);
    this.#queue.append(chunks);
  }

  protected override cut(): [] | [HttpdRecord] {
    try {
      const record = this.#open === undefined ? this.#head() : this.#content(this.#open);
      if (record === undefined) this.#queue.compact();
      return record === undefined ? [] : [record];
    } catch (fault) {
      if (!(fault instanceof HttpdFault)) throw fault;
      this.#isRefused = true;
      this.#open = undefined;
      this.#queue.drop();
      return [fault.refusal];
    }
  }

  /** @throws PreforkError ERR_PREFORK_FILTER for what is not a response, and for line ends in what becomes the header */
  put(records: readonly HttpdResponse[]): Buffer[] {
    return records.map((record) => responseBytes(record));
  }

  get_pending(): undefined | [Buffer] {
    return this.#queue.pending();
  }

  clone(): HttpdFilter {
    return new HttpdFilter(this.#parameters);
  }

  protected override forget(): void {
    this.#queue.drop();
    this.#seen = 0;
    this.#open = undefined;
    this.#isRefused = false;
  }

  #head(): HttpdRecord | undefined {
    this.#skipSpace();
    const bytes = this.#queue.peek();
    const end = endOfHead(bytes, this.#seen);
    if (end > MAX_HEAD || (end === -1 && bytes.length > MAX_HEAD)) throw new HttpdFault(431, `Header of more than ${MAX_HEAD} octets not accepted.`);
    if (end === -1) {
      // The last three bytes may belong to the blank line.
      this.#seen = Math.max(0, bytes.length - 3);
      return undefined;
    }
    const { maxContent } = this.#limits;
    const { request, framing } = readHead(bytes.subarray(0, end), maxContent);
    this.#seen = end;
    const open = { request, framing, headBytes: end, chunks: new ChunkedContent(maxContent), left: lengthOf(framing) };
    if (!hasContent(framing)) return this.#finish(request, end, EMPTY);
    this.#open = open;
    if (this.#isStreaming) {
      this.#dropSeen();
      return { ...request, isWhole: false };
    }
    const whole = this.#content(open);
    if (whole !== undefined || !request.expectsContinue || !Boolean(this.#parameters.Expect)) return whole;
    return { ...request, type: 'expect', isWhole: false };
  }

  get #isStreaming(): boolean {
    return Boolean(this.#parameters.Streaming);
  }

  #skipSpace(): void {
    const bytes = this.#queue.peek();
    let count = 0;
    while (count < bytes.length && SPACE.has(bytes[count])) count++;
    if (count > 0) this.#queue.drop(count);
  }

  #content(open: OpenRequest): HttpdRecord | undefined {
    if (open.framing.kind === 'chunked') {
      this.#seen += open.chunks.read(this.#queue.peek().subarray(this.#seen));
      if (this.#isStreaming) return this.#chunkedPiece(open);
      // Many small chunks take more bytes than their content.
      if (this.#seen > this.#limits.maxBuffer) throw new HttpdFault(413, 'Chunks of too many octets not accepted.');
      return open.chunks.isWhole ? this.#finish(open.request, this.#seen, open.chunks.content.take()) : undefined;
    }
    if (this.#isStreaming) return this.#sizedPiece(open);
    const end = open.headBytes + open.framing.length;
    if (this.#queue.length < end) return undefined;
    const body = this.#queue.peek(end).subarray(open.headBytes);
    return this.#finish(open.request, end, body);
  }

  #chunkedPiece(open: OpenRequest): HttpdRecord | undefined {
    this.#dropSeen();
    const { content, isWhole } = open.chunks;
    if (content.length === 0 && !isWhole) return undefined;
    if (isWhole) this.#open = undefined;
    return { type: 'body', body: content.take(), isLast: isWhole };
  }

  #sizedPiece(open: OpenRequest): HttpdRecord | undefined {
    if (this.#queue.length === 0) return undefined;
    const body = this.#queue.take(Math.min(open.left, this.#queue.length));
    open.left -= body.length;
    if (open.left === 0) this.#open = undefined;
    return { type: 'body', body, isLast: open.left === 0 };
  }

  #finish(request: HttpdRequest, bytes: number, body: Buffer): HttpdRequest {
    this.#queue.drop(bytes);
    this.#open = undefined;
    this.#seen = 0;
    return { ...request, expectsContinue: false, body };
  }

  #dropSeen(): void {
    this.#queue.drop(this.#seen);
    this.#seen = 0;
  }
}

interface OpenRequest {
  readonly request: HttpdRequest;
  readonly framing: HttpdFraming;
  readonly headBytes: number;
  readonly chunks: ChunkedContent;
  /** With Streaming, bytes of sized content that have not come. */
  left: number;
}

const lengthOf = (framing: HttpdFraming): number => (framing.kind === 'sized' ? framing.length : 0);

/** 1 MiB. */
const MIB = 1024 * 1024;
/** CR, LF, tab and space. */
const SPACE: ReadonlySet<number | undefined> = new Set([13, 10, 9, 32]);
const CHECKS = { MaxContent: positive, MaxBuffer: positive, Streaming: flag, Expect: flag };
