// All reasons with their texts, each stated once: the types, the checks of messages, the texts of events and the counts of
// `status()` are derived from these tables.

/** Why a worker stops. */
export const DRAIN_REASONS = {
  lifetime: 'older than MaxServerLifeTime',
  lifetimes: 'had taken MaxServerLifeTimes clients',
  spare: 'without a client for MaxServerSpareTime',
  surplus: 'more workers than needed',
  memory: 'larger than MaxServerMemory',
  reload: 'another release has taken its place',
  expired: 'silent for longer than MaxServerExpireTime',
  boot: 'not ready within the start limit',
  asked: 'asked to',
  shutdown: 'the pool shuts down',
  upgrade: 'a new master has taken over',
} as const;

/** Why a worker stops: a key of the table that has the words. */
export type DrainReason = keyof typeof DRAIN_REASONS;

/** Why a worker is killed. */
export const KILL_REASONS = {
  grace: 'still there at the end of GraceExpireTime',
  boot: 'not ready within the start limit',
  asked: 'asked to',
  trial: 'its release was not accepted',
} as const;

/** Why a worker is killed: a key of the table that has the words. */
export type KillReason = keyof typeof KILL_REASONS;

/** Why a worker ended that was neither drained nor killed. */
export const OWN_ENDS = {
  'boot-failed': 'ended before it was ready',
  crashed: 'ended by itself',
} as const;

/** Why a worker ended: its drain, a kill of ours, or something of its own. */
export type ExitReason = DrainReason | `killed:${KillReason}` | keyof typeof OWN_ENDS;

/** Every reason for an exit, in the order in which they are counted. */
export const EXIT_REASONS: readonly ExitReason[] = [
  ...keysOf(DRAIN_REASONS), ...keysOf(KILL_REASONS).map((reason) => `killed:${reason}` as const), ...keysOf(OWN_ENDS),
];

/** Why a worker that has a permit does not accept. The reasons are independent: ending one does not end another. */
export const PAUSE_REASONS = {
  paused: 'pause() of the master',
  asked: "'pause' posted by one of its callbacks",
  limit: 'it has MaxSessionPerServer clients',
  concurrency: 'it has Concurrency clients',
  'pool-limit': 'it has its share of MaxSession',
  lifetimes: 'it has taken MaxServerLifeTimes clients',
  descriptors: 'it is close to its limit of open files',
} as const;

/** Why a worker that has a permit does not accept: a key of the table that has the words. */
export type PauseReason = keyof typeof PAUSE_REASONS;

function keysOf<Table extends object>(table: Table): readonly (keyof Table & string)[] {
  return Object.keys(table) as (keyof Table & string)[];
}
