import type { Board, Cell, CellState, Sample } from '../page-data.js';

/** The states of a cell, with its letter and what it means. */
export const STATES: Readonly<Record<CellState, { readonly letter: string; readonly meaning: string }>> = {
  idle: { letter: '_', meaning: 'idle' },
  busy: { letter: 'W', meaning: 'serving clients' },
  full: { letter: 'F', meaning: 'full' },
  starting: { letter: 'S', meaning: 'starting' },
  draining: { letter: 'G', meaning: 'draining' },
  paused: { letter: 'P', meaning: 'paused' },
  hung: { letter: '!', meaning: 'blocked event loop' },
};

/** A duration, in the two largest units. */
export function duration(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const megabytes = (bytes: number | null): string => (bytes === null ? '–' : `${Math.round(bytes / 1e6)} MB`);
export const milliseconds = (ms: number | null): string => (ms === null ? '–' : `${Math.round(ms)} ms`);
const count = (amount: number, what: string): string => `${amount} ${what}${amount === 1 ? '' : 's'}`;

/** A worker in a sentence, for screen readers. */
export function sentence({ pid, state, clients, why }: Cell): string {
  return `Worker ${pid}: ${STATES[state].meaning}${why === '' ? '' : ` (${why})`}, ${count(clients, 'client')}`;
}

/** What the pool is doing, in a word, and whether that is as it should be. */
export function mode({ paused, stopping, reloading, totals }: Board): { readonly text: string; readonly good: boolean } {
  if (stopping) return { text: totals.workers + totals.draining === 0 ? 'ended' : 'shutting down', good: false };
  if (paused) return { text: 'paused', good: false };
  if (totals.ready === 0) return { text: 'no worker is ready', good: false };
  return { text: reloading ? 'reloading' : 'serving', good: true };
}

/** Which releases workers run, and how the last reload went. */
export function releases({ release, mixed, reloading, lastReload, cells }: Board): string {
  const others = new Map<number, number>();
  for (const cell of cells) if (cell.release !== release) others.set(cell.release, (others.get(cell.release) ?? 0) + 1);
  return [
    `Release ${release} serves.`,
    ...[...others].map(([number, workers]) => `${count(workers, 'worker')} ${workers === 1 ? 'runs' : 'run'} release ${number}.`),
    ...(mixed ? ['Its script has been overwritten in place: workers that start from now on may run the new code.'] : []),
    ...(reloading ? ['A reload is under way.'] : []),
    lastReload === null ? 'There was no reload yet.' : lastReload.result === 'done'
      ? `The last reload took ${lastReload.seconds.toFixed(1)} s.`
      : `The last reload, to release ${lastReload.release}, failed: ${lastReload.text ?? ''}`,
  ].join(' ');
}

/** The points of a line over the last minutes in a box of 300 × 80, newest at the right; and the largest value. */
export function line(samples: readonly Sample[], value: (sample: Sample) => number | null): { readonly points: string; readonly most: number; readonly last: number | null } {
  const end = samples.at(-1)?.[0] ?? 0;
  const known = samples.flatMap((sample): [number, number][] => {
    const y = value(sample);
    return y === null ? [] : [[300 - (end - sample[0]) / 1000, y]];
  });
  const most = Math.max(...known.map(([, y]) => y), 0);
  const points = known.map(([x, y]) => `${x.toFixed(1)},${(77 - 74 * y / Math.max(most, 1)).toFixed(1)}`).join(' ');
  return { points, most, last: known.at(-1)?.[1] ?? null };
}

/** A column of the table of workers. */
export interface Column {
  readonly title: string;
  /** What to sort by. */
  readonly key: (cell: Cell) => number | string;
  readonly show: (cell: Cell, now: number) => string;
}

export const COLUMNS: readonly Column[] = [
  { title: 'pid', key: ({ pid }) => pid, show: ({ pid }) => String(pid) },
  { title: 'state', key: ({ state }) => state, show: ({ state }) => state },
  { title: 'clients', key: ({ clients }) => clients, show: ({ clients }) => String(clients) },
  { title: 'served', key: ({ served }) => served, show: ({ served }) => String(served) },
  { title: 'age', key: ({ startedAt }) => -startedAt, show: ({ startedAt }, now) => duration(now - startedAt) },
  { title: 'memory', key: ({ rss }) => rss ?? 0, show: ({ rss }) => megabytes(rss) },
  { title: 'loop delay', key: ({ delayMs }) => delayMs ?? 0, show: ({ delayMs }) => milliseconds(delayMs) },
  { title: 'last heard from', key: ({ heardAt }) => -heardAt, show: ({ heardAt }, now) => `${duration(now - heardAt)} ago` },
  { title: 'why', key: ({ why }) => why, show: ({ why }) => why },
];

/** The cells in the order of a column; equal ones by age. */
export function sorted(cells: readonly Cell[], column: Column | undefined, isDescending: boolean): Cell[] {
  if (column === undefined) return [...cells];
  const sign = isDescending ? -1 : 1;
  return cells.toSorted((one, other) => {
    const [a, b] = [column.key(one), column.key(other)];
    return a === b ? one.id - other.id : (a < b ? -sign : sign);
  });
}

/** What can be done to the whole pool, and what that will do. */
export interface PoolAction {
  readonly path: string;
  readonly label: string;
  readonly effect: string;
  readonly question: string | undefined;
}

export function poolActions({ paused, stopping, reloading }: Pick<Board, 'paused' | 'stopping' | 'reloading'>, mayReload: boolean): PoolAction[] {
  if (stopping) return [];
  return [
    ...(mayReload && !reloading ? [{
      path: 'reload', label: 'Reload', question: undefined,
      effect: 'Replaces the workers one after another by new ones that run the script as it is now; clients finish with the old ones.',
    }] : []),
    paused
      ? { path: 'resume', label: 'Resume', effect: 'Workers accept again, those who waited longest first.', question: undefined }
      : { path: 'pause', label: 'Pause', effect: 'Workers accept no more clients. New ones wait in the queue; none is refused until it is full.', question: undefined },
    {
      path: 'shutdown', label: 'Shut down', effect: 'Refuses new clients, lets the present ones finish, and ends the server.',
      question: 'Shut the server down? New clients are refused from now on, and it has to be started again by other means than this page.',
    },
  ];
}

/** What can be done to one worker. */
export const workerActions = (pid: number): readonly PoolAction[] => [
  { path: `workers/${pid}/term`, label: 'Drain', effect: 'Takes no new clients, and ends when its present ones have left; replaced if needed.', question: undefined },
  { path: `workers/${pid}/kill`, label: 'Kill', effect: 'Ends it at once; its clients are cut off.', question: `Kill worker ${pid}? Its clients are cut off.` },
];
