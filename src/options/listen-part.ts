import { isOn } from '../checks.js';
import { isUnix } from './contradictions.js';
import type { PreforkTcpServerOptions } from './options.js';

/** Where to listen, and what is called when it does. */
export interface ListenConfig {
  readonly target: ListenName;
  /** A socket that systemd passes, by number or name; undefined = none is wanted. */
  readonly fd: number | string | undefined;
  /** The length of the kernel's queue to ask for. */
  readonly backlog: number;
  /** ListenerArgs. */
  readonly args: readonly unknown[];
  readonly started: PreforkTcpServerOptions['Started'];
  readonly stopped: PreforkTcpServerOptions['Stopped'];
  readonly failed: PreforkTcpServerOptions['Error'];
}

/** The address as it was given: names are resolved when it is bound. */
export type ListenName =
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number | undefined }
  | {
    readonly kind: 'tcp';
    /** An address or a host name; undefined = all addresses. */
    readonly host: string | undefined;
    /** undefined = that of the address. */
    readonly family: 4 | 6 | undefined;
    /** A number, or the name of a service. */
    readonly port: number | string;
    readonly ipv6Only: boolean;
  };

export function listenConfig(options: PreforkTcpServerOptions): ListenConfig {
  const { Backlog = DEFAULT_BACKLOG, ListenerArgs = [], Started, Stopped, Error: failed } = options;
  return { target: listenName(options), fd: options.Fd, backlog: Backlog, args: ListenerArgs, started: Started, stopped: Stopped, failed };
}

/** As libuv's default. */
const DEFAULT_BACKLOG = 511;

function listenName({ Address, Hostname, Port = 0, Domain, SocketMode, Ipv6Only }: PreforkTcpServerOptions): ListenName {
  if (isUnix({ Address, Domain })) return { kind: 'unix', path: Address ?? '', mode: SocketMode };
  return {
    kind: 'tcp',
    host: Address ?? Hostname,
    family: Domain === undefined ? undefined : Domain === 'inet6' ? 6 : 4,
    port: typeof Port === 'string' && /^\d+$/.test(Port) ? Number(Port) : Port,
    ipv6Only: isOn(Ipv6Only),
  };
}
