import type { BlockList } from 'node:net';
import { checkEach, expect, isNumber, isTexts, withInherited, type Check } from '../checks.js';
import { toBlockList } from './block-list.js';

/**
 * Balancers whose connections begin with a PROXY header, which names the client
 * (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). It is read before TLS, filters, ClientPreConnect and Acceptor.
 */
export interface ProxyOptions {
  /**
   * Whom to trust: addresses, CIDR ranges and ranges ('192.0.2.1-192.0.2.9') of the balancers, or 'unix' for anyone who
   * connects to the server's Unix socket. From these the header is mandatory; connections of all others are closed.
   */
  readonly From: readonly string[] | 'unix';
  /** The only version to accept. Default: both. */
  readonly Version?: 1 | 2 | undefined;
  /** Seconds within which the header must arrive. Default 3. */
  readonly Timeout?: number | undefined;
}

/** The same, checked and with defaults. */
export interface ProxyConfig {
  readonly from: BlockList | 'unix';
  /** undefined = both. */
  readonly version: 1 | 2 | undefined;
  readonly timeoutMs: number;
}

const CHECKS: Readonly<Record<keyof ProxyOptions, Check>> = {
  From: expect(
    (value) => value === 'unix' || (isTexts(value) && (value as readonly string[]).length > 0),
    "an array with the balancers' addresses or CIDR ranges, or 'unix'",
  ),
  Version: expect((value) => value === 1 || value === 2, '1 or 2'),
  Timeout: expect((value) => isNumber(value) && value > 0 && value < Infinity, 'a number of seconds above 0'),
};

/**
 * What is wrong with the option Proxy, each as a sentence.
 *
 * @param isUnix - whether the server listens on a Unix socket; undefined = unknown here
 */
export function proxyProblems(given: object, isUnix: boolean | undefined): string[] {
  const problems = checkEach(withInherited(given, CHECKS), CHECKS).map((problem) => `Proxy: ${problem}`);
  const { From } = given as Partial<ProxyOptions>;
  if (From === undefined) problems.push("Proxy: From is missing; give the balancers' addresses, or 'unix': a header of anybody else must not be believed.");
  if (problems.length > 0 || From === undefined) return problems;
  if (From !== 'unix') toBlockList(From, problems, 'Proxy: From');
  if (isUnix === true && From !== 'unix') problems.push("Proxy: From has addresses, and a Unix socket has none; give 'unix'.");
  if (isUnix === false && From === 'unix') problems.push("Proxy: From is 'unix', and the server does not listen on a Unix socket; give the balancers' addresses, such as ['10.0.0.0/8'].");
  return problems;
}

export function resolveProxy({ From, Version, Timeout = 3 }: ProxyOptions): ProxyConfig {
  return { from: From === 'unix' ? From : toBlockList(From, []), version: Version, timeoutMs: Timeout * 1000 };
}
