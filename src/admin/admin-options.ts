import { isIP } from 'node:net';
import { checkEach, expect, isPort, isTexts, withInherited, type Check } from '../checks.js';

/**
 * Where the pool is shown and controlled: a page, JSON, metrics and health checks over HTTP, served by the master.
 * Reading needs no Token on a loopback address or a Unix socket; actions over TCP, and reading from elsewhere, do.
 */
export interface AdminOptions {
  /** TCP port of the page, a number (also as text); 0 = the kernel picks one, see `status().admin`. */
  readonly Port?: number | string | undefined;
  /** Address of Port and AgentPort. Default 127.0.0.1. An address outside loopback requires Token. */
  readonly Address?: string | undefined;
  /** Path of a Unix socket that serves the same, made with mode 0600: anyone who may open it may act, without Token. */
  readonly Path?: string | undefined;
  /** What callers authenticate with: `Authorization: Bearer …`, or the page's address with `#token=…`. Default none: no actions over TCP. */
  readonly Token?: string | undefined;
  /** Host names that browsers may use, besides addresses and localhost; others are refused, against DNS rebinding. */
  readonly Hosts?: readonly string[] | undefined;
  /**
   * TCP port, a number (also as text), that answers HAProxy's agent-check; it only reads, and needs no Token. Give HAProxy's
   * server lines `weight 100`: the answer is a percentage of it in whole numbers, so nothing would be left of the default weight, 1.
   */
  readonly AgentPort?: number | string | undefined;
}

/** The same, checked and with defaults. */
export interface AdminConfig {
  readonly port: number | undefined;
  readonly address: string;
  readonly path: string | undefined;
  readonly token: string | undefined;
  readonly hosts: readonly string[];
  readonly agentPort: number | undefined;
}

const port: Check = expect(isPort, 'a port number from 0 to 65535');

const CHECKS: Readonly<Record<keyof AdminOptions, Check>> = {
  Port: port,
  Address: expect((value) => typeof value === 'string' && isIP(value) !== 0, 'an IPv4 or IPv6 address'),
  // A name in Linux's abstract namespace begins with NUL, and has no mode: anyone who knows it could act.
  Path: expect((value) => typeof value === 'string' && value !== '' && !value.includes('\0'), 'the path of a Unix socket; an abstract name has no permissions'),
  // What a header can carry (RFC 6750, section 2.1).
  Token: expect((value) => typeof value === 'string' && /^[A-Za-z0-9._~+/-]+=*$/.test(value), 'letters, digits and -._~+/ without spaces, as a Bearer token can have them'),
  Hosts: expect(isTexts, 'an array of host names'),
  AgentPort: port,
};

/** What is wrong with the option Admin, each as a sentence. */
export function adminProblems(given: object): string[] {
  const problems = checkEach(withInherited(given, CHECKS), CHECKS).map((problem) => `Admin: ${problem}`);
  if (problems.length > 0) return problems;
  const { Port, Path, AgentPort, Address = DEFAULT_ADDRESS, Token } = given as AdminOptions;
  if (Port === undefined && Path === undefined && AgentPort === undefined) {
    problems.push('Admin says nowhere to listen; give Port, Path or AgentPort.');
  }
  if (Port !== undefined && Token === undefined && !isLoopback(Address)) {
    problems.push(`Admin: Address ${Address} can be reached from other machines, so it needs a Token; give one, or leave Address out for 127.0.0.1.`);
  }
  return problems;
}

const DEFAULT_ADDRESS = '127.0.0.1';

/** Whether an address can only be reached from this machine. */
export const isLoopback = (address: string): boolean => /^(127\.|::1$|::ffff:127\.)/i.test(address);

export function resolveAdmin({ Port, Address = DEFAULT_ADDRESS, Path, Token, Hosts = [], AgentPort }: AdminOptions): AdminConfig {
  return { port: numberOf(Port), address: Address, path: Path, token: Token, hosts: Hosts.map((host) => host.toLowerCase()), agentPort: numberOf(AgentPort) };
}

const numberOf = (given: number | string | undefined): number | undefined => (given === undefined ? undefined : Number(given));
