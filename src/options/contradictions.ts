import { isIP } from 'node:net';
import { adminProblems } from '../admin/admin-options.js';
import { isOn } from '../checks.js';
import { isExecutable, isThread, mainScript } from './main-script.js';
import type { PoolOptions, PreforkTcpServerOptions } from './options.js';
import { DEFAULT_ALIAS, DEFAULT_MASTER_ALIAS } from './process-part.js';
import { proxyProblems } from './proxy.js';
import { stateProblems } from './states.js';
import { resolveThresholds } from './thresholds.js';

/** The role of a construction of the server: options that only masters or workers need are not demanded of the others. */
export type ConstructionRole = 'master' | 'worker' | 'inert';

/** 1 MiB: what a client that does not read can make a worker hold. */
export const DEFAULT_HIGH_MARK: number = 1024 * 1024;

/**
 * Finds options that cannot go together, although each on its own is right.
 *
 * @param sound - the options with which nothing else is wrong
 * @param named - the names of all that were given, right or wrong
 */
export function contradictions(sound: PreforkTcpServerOptions, named: ReadonlySet<string>, role: ConstructionRole): string[] {
  return [
    ...clientSideProblems(sound, named, role),
    ...stateProblems(sound),
    ...thresholdProblems(sound),
    ...markProblems(sound),
    ...filterProblems(sound),
    ...addressProblems(sound),
    ...processProblems(sound, role),
    ...(sound.Proxy === undefined ? [] : proxyProblems(sound.Proxy, listensOnUnix(sound, role))),
    ...(sound.Admin === undefined ? [] : adminProblems(sound.Admin)),
  ];
}

/** Finds thresholds with which the pool could not settle. */
export function thresholdProblems(given: PoolOptions): string[] {
  const { pool, worker } = resolveThresholds(given);
  const problems: string[] = [];
  const ordered = (low: string, lowValue: number, high: string, highValue: number): void => {
    if (lowValue > highValue) problems.push(`${low} (${lowValue}) must not exceed ${high} (${highValue}); lower the first or raise the second.`);
  };
  if (given.StartServer !== undefined) ordered('MinServer', pool.minWorkers, 'StartServer', pool.startWorkers);
  ordered('StartServer', pool.startWorkers, 'MaxServer', pool.maxWorkers);
  // If it was not given it follows StartServer, and would only repeat the same problem.
  if (given.MinServer !== undefined) ordered('MinServer', pool.minWorkers, 'MaxServer', pool.maxWorkers);
  ordered('MinSpareServer', pool.minSpare, 'MaxSpareServer', pool.maxSpare);
  ordered('MinSpareServer', pool.minSpare, 'MaxServer', pool.maxWorkers);
  if (pool.minWorkers === 0 && pool.minSpare === 0) {
    problems.push('MinServer (0) and MinSpareServer (0) leave a pool without workers, and nothing would fork the first; make one of them at least 1.');
  }
  const expire = `MaxServerExpireTime (${pool.expireMs / 1000} s)`;
  if (pool.heartbeatMs >= pool.expireMs) {
    problems.push(`MasterHeartBeatTime (${pool.heartbeatMs / 1000} s) must be shorter than ${expire}, or the master would look too late.`);
  }
  // A report that is due just before the expiry is late as soon as the machine is busy (puma#1714).
  if (worker.heartbeatMs * 2 > pool.expireMs) {
    problems.push(`ServerHeartBeatTime (${worker.heartbeatMs / 1000} s) must be at most half of ${expire}, so that one late report does not end a healthy worker; lower the first or raise the second.`);
  }
  return problems;
}

/** Either the whole client side or an Acceptor, as in the original. */
function clientSideProblems(options: PreforkTcpServerOptions, named: ReadonlySet<string>, role: ConstructionRole): string[] {
  if (named.has('Acceptor')) {
    // An Acceptor does not hear of a failed handshake.
    const ofHandshakes = named.has('Tls') ? ['ClientError', 'ClientPreConnectTimeout'] : [];
    return [...named].filter((name) => (/^(Client|HighMark|LowMark)/.test(name) && !ofHandshakes.includes(name)) || /^(Inline|Object|Package)States$/.test(name))
      .map((name) => `${name} is not used with Acceptor, which replaces the whole client side; leave one of them out.`);
  }
  // A master whose workers run another file serves no clients with this script, nor does an inert server.
  const serves = role === 'worker' || (role === 'master' && options.Script === undefined);
  return serves && !named.has('ClientInput') ? ['ClientInput is missing: give a function that takes each record, or an Acceptor.'] : [];
}

function markProblems({ HighMark, LowMark, ClientHigh, ClientLow }: PreforkTcpServerOptions): string[] {
  const high = HighMark ?? DEFAULT_HIGH_MARK;
  const low = LowMark ?? high / 4;
  const problems: string[] = [];
  if (low >= high) problems.push(`LowMark (${low}) must be lower than HighMark (${high}).`);
  const marks = [HighMark, LowMark, ClientHigh, ClientLow].filter((given) => given !== undefined);
  if (marks.length > 0 && marks.length < 4) problems.push('HighMark, LowMark, ClientHigh and ClientLow go together: give all four or none.');
  return problems;
}

function filterProblems({ ClientFilter, ClientInputFilter, ClientOutputFilter }: PreforkTcpServerOptions): string[] {
  if ((ClientInputFilter === undefined) !== (ClientOutputFilter === undefined)) {
    return ['ClientInputFilter and ClientOutputFilter go together: give both or use ClientFilter.'];
  }
  return ClientInputFilter === undefined || ClientFilter === undefined ? []
    : ['ClientFilter excludes ClientInputFilter and ClientOutputFilter; give the one or the other two.'];
}

/** Whether an address can only be the path of a Unix socket: no address or host name has a slash. */
const isPath = (address: string | undefined): boolean => address !== undefined && (address.includes('/') || address.startsWith('\0'));

/** Whether these options mean a Unix socket. */
export const isUnix = ({ Address, Domain }: Pick<PreforkTcpServerOptions, 'Address' | 'Domain'>): boolean => (
  Domain === 'unix' || (Domain === undefined && isPath(Address))
);

/** Only the master is sure to be given the address, and a socket passed by systemd may be of any kind. */
const listensOnUnix = (options: PreforkTcpServerOptions, role: ConstructionRole): boolean | undefined => (
  role === 'master' && options.Fd === undefined ? isUnix(options) : undefined
);

function addressProblems({ Address, Hostname, Port, Domain, SocketMode, Ipv6Only }: PreforkTcpServerOptions): string[] {
  const problems: string[] = [];
  const family = isIP(Address ?? '');
  if (isUnix({ Address, Domain })) {
    if (Address === undefined) problems.push("Domain 'unix' needs the path of the socket as Address.");
    if (family !== 0) problems.push(`Address ${String(Address)} is not of Domain 'unix', which takes a path; leave Domain out or give a path.`);
    if (Hostname !== undefined) problems.push('Hostname is not used with a Unix socket; leave it out.');
    if (Port !== undefined && Number(Port) !== 0) problems.push('Port is not used with a Unix socket; leave it out, or Address.');
    if (SocketMode !== undefined && Address?.startsWith('\0') === true) problems.push('SocketMode is not used with an abstract address, which has no file; leave it out.');
    if (isOn(Ipv6Only)) problems.push('Ipv6Only is not used with a Unix socket; leave it out.');
    return problems;
  }
  const isIpv4 = family === 4 || Domain === 'inet' || (Domain === undefined && Address === undefined && Hostname === undefined);
  if (isOn(Ipv6Only) && isIpv4) problems.push("Ipv6Only is not used with an IPv4 address; leave it out, or give Address '::' or Domain 'inet6'.");
  if (Domain !== undefined && isPath(Address)) problems.push(`Address ${String(Address)} is a path and not of Domain '${Domain}'; leave Domain out or give an address of it.`);
  else if (Domain !== undefined && family !== 0 && (Domain === 'inet6') !== (family === 6)) {
    problems.push(`Address ${String(Address)} is not of Domain '${Domain}'; leave Domain out or give an address of it.`);
  }
  return problems;
}

function processProblems(options: PreforkTcpServerOptions, role: ConstructionRole): string[] {
  const problems: string[] = [];
  const { Alias = DEFAULT_ALIAS, MasterAlias = DEFAULT_MASTER_ALIAS } = options;
  if (Alias === MasterAlias) problems.push(`Alias and MasterAlias are both '${Alias}', and kernel.post() would not know which is meant; give one of them a different name.`);
  if (options.Group !== undefined && options.User === undefined) problems.push('Group needs User; give both.');
  if (role !== 'master') return problems;
  if (isExecutable()) problems.push(...executableProblems(options));
  if (options.Script === undefined && isThread()) {
    problems.push('In a worker thread give Script, the file that constructs the server in the main thread of each worker; without it they would run the whole program.');
  } else if (options.Script === undefined && mainScript() === undefined) {
    problems.push('There is no main script that workers could run again (REPL, node -e, standard input): give Script, the file that constructs the server in the workers.');
  }
  return problems;
}

/** What a single executable application cannot do: it always runs its own program, and Node reads none of its own arguments there. */
export function executableProblems({ Script, ExecArgv = [] }: PreforkTcpServerOptions): string[] {
  const problems: string[] = [];
  if (Script !== undefined) problems.push('Script is not used in a single executable application, whose workers run the executable again; leave it out.');
  if (ExecArgv.length > 0) problems.push("ExecArgv is not used in a single executable application, which would take it for arguments of its own; give Env with NODE_OPTIONS instead.");
  return problems;
}
