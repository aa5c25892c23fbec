import type { Clock } from '../clock.js';
import type { PoolObserver } from '../pool-event.js';
import type { ServerStatus } from '../status.js';
import { Notifier, systemdNotify } from './notify.js';

/** The server as a service of systemd. */
export interface Service {
  /** The pool serves. */
  ready(): void;
  /** Gets what the pool emits. */
  readonly heard: PoolObserver;
  stopping(): void;
  /** Another process is the service now; nothing more is sent from here. */
  handOver(pid: number): Promise<void>;
  /** @returns a promise for the messages that are under way */
  close(): Promise<void>;
}

/** @returns undefined if no reports are asked for (NOTIFY_SOCKET): then nothing is started and nothing is counted */
export function systemdService({ clock, status }: { readonly clock: Clock; readonly status: () => ServerStatus }): Service | undefined {
  const { env, pid } = process;
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return undefined;
  const notifier = new Notifier({
    clock, env, pid,
    send: systemdNotify,
    monotonicMicros: () => process.hrtime.bigint() / 1000n,
    state: () => {
      const { paused, lastReload, totals: { ready, workers, connections: clients } } = status();
      const note = lastReload?.result === 'failed' ? `the last reload failed: ${lastReload.text?.slice(0, 300) ?? ''}` : undefined;
      return { paused, ready, workers, clients, note };
    },
  });
  let isReady = false;
  return {
    ready: () => {
      isReady = true;
      notifier.ready();
    },
    heard: (event) => {
      if (!isReady) return;
      if (event.name === 'reload:start') notifier.reloading(`reloading release ${event.detail.release}`);
      if (event.name === 'reload:done' || event.name === 'reload:failed') notifier.ready();
    },
    stopping: () => {
      // How a reload ends is no longer reported.
      isReady = false;
      notifier.stopping();
    },
    handOver: async (pid) => {
      isReady = false;
      void notifier.handOver(pid);
      await notifier.close();
    },
    close: () => notifier.close(),
  };
}
