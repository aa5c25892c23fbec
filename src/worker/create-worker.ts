import type { ServerContext } from '../callbacks.js';
import type { Clock } from '../clock.js';
import { HANG_FD } from '../ipc/hang-report.js';
import { withChange } from '../options/client-part.js';
import type { ResolvedOptions } from '../options/resolve.js';
import { renewTls } from '../options/tls.js';
import { createAdmission } from '../session/admission.js';
import { Clients } from '../session/clients.js';
import { EventQueue } from '../session/event-queue.js';
import { processDescriptors } from './descriptors.js';
import { handleListener } from './listener.js';
import type { MasterChannel } from './master-channel.js';
import { WorkerRuntime } from './runtime.js';
import { addServerAliases } from './server-aliases.js';
import { Watchdog } from './watchdog.js';

/** What a worker is made of. */
export interface WorkerParts {
  readonly options: Pick<ResolvedOptions, 'client' | 'process' | 'given'>;
  readonly line: MasterChannel;
  readonly clock: Clock;
  /** Whether a separate thread watches the event loop, and after how long it reports; 0 = derived from the heartbeats. */
  readonly watch: { readonly hungMs: number } | undefined;
  readonly exit: (code: number) => void;
}

/** Puts together a worker from the options that its script gave. */
export function createWorker({ options, line, clock, watch, exit }: WorkerParts): WorkerRuntime {
  const { client, process: { alias, masterAlias, serverStarted, serverStopped } } = options;
  const { noDelay, keepAlive, acceptor, preConnect } = client;
  const queue = new EventQueue(clock);
  const admission = createAdmission(client.blockList, client.mostPerAddress);
  let clients: Clients | undefined;
  const context: ServerContext = { pid: process.pid, alias };
  const runtime: WorkerRuntime = new WorkerRuntime({
    line, clock, exit,
    given: options.given,
    createListener: (events, backlog) => handleListener({
      noDelay, keepAlive, backlog,
      // A socket that is used before there is a session has to be an ordinary one.
      direct: acceptor === undefined && preConnect === undefined && client.tls === undefined,
    }, events),
    createClients: (left) => (clients = new Clients({
      config: client,
      clock, queue, alias, masterAlias, left,
      admission,
      isLocal: () => typeof runtime.address === 'string',
      failed: (error, where) => { runtime.failed(error, where); },
    })),
    clientsChanged: (change) => {
      const { callbackMs, maxOutput, blockList } = withChange(client, change);
      clients?.configure({ callbackMs, maxOutput });
      admission.block(blockList);
      renewCertificates(change?.tls);
    },
    ticketKeys: (keys) => { clients?.setTicketKeys(Buffer.from(keys, 'base64')); },
    descriptors: processDescriptors(),
    watchdog: watch === undefined ? undefined : new Watchdog({ clock, fd: HANG_FD, hungMs: watch.hungMs }),
    serverStarted: () => serverStarted?.(context),
    serverStopped: () => serverStopped?.(context),
  });
  /** The text of Tls in force; undefined = the worker's own. */
  let certificates: string | undefined;
  const renewCertificates = (text: string | undefined): void => {
    if (text === certificates) return;
    certificates = text;
    try {
      const renewed = text === undefined ? client.tls : renewTls(client.tls, text);
      if (renewed !== undefined) clients?.renewTls(renewed);
    } catch (error) {
      runtime.failed(error as Error, 'Tls');
    }
  };
  addServerAliases(queue, runtime, { alias, masterAlias });
  return runtime;
}
