import type { Board, Hello, LogLine, Sample } from '../page-data.js';
import { Keyed, byId, definitions, make, setAttribute, setText } from './dom.js';
import { duration, line, megabytes, mode, poolActions, releases, workerActions, type PoolAction } from './format.js';
import { follow, type StreamParts } from './stream.js';
import * as workers from './workers.js';

const STORED = 'prefork-admin-token';
let token = takeToken();
let hello: Hello | undefined;
let last: Board | undefined;
let chosen: number | undefined;
let isLinked = false;

/** The token follows the address's #, which is never sent to a server, and is removed from the address bar at once. */
function takeToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return given ?? sessionStorage.getItem(STORED) ?? undefined;
}

function choose(pid: number): void {
  chosen = chosen === pid ? undefined : pid;
  if (last !== undefined) show(last);
}

function notice(text: string): void {
  byId('notice').hidden = text === '';
  setText(byId('notice'), text);
}

async function ask(question: string): Promise<boolean> {
  const dialog = byId('confirm') as HTMLDialogElement;
  setText(byId('question'), question);
  dialog.returnValue = 'no';
  dialog.showModal();
  await new Promise((resolve) => { dialog.addEventListener('close', resolve, { once: true }); });
  return dialog.returnValue === 'yes';
}

async function act({ path, label, question }: PoolAction): Promise<void> {
  if (question !== undefined && !(await ask(question))) return;
  try {
    const response = await fetch(path, { method: 'POST', headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });
    notice(response.ok ? '' : `${label}: ${await response.text()}`);
  } catch (error) {
    notice(`${label}: ${String(error)}`);
  }
}

/** A button with a sentence beside it that says what it will do. */
function actionButton(action: PoolAction): HTMLElement {
  const row = make('div', '', 'action');
  const button = make('button', action.label);
  const effect = make('span', action.effect);
  effect.id = `does-${action.path.replaceAll('/', '-')}`;
  button.setAttribute('aria-describedby', effect.id);
  button.addEventListener('click', () => { void act(action); });
  row.append(button, effect);
  return row;
}

const showLegend = workers.legend();
const showBoard = workers.board(choose);
const showTable = workers.table(choose);
const showHangs = workers.hangs();
const showDetails = workers.details((parent, pid) => { if (hello?.mayAct === true) parent.append(...workerActions(pid).map(actionButton)); });
const showTotals = definitions(byId('totals'));
const showExits = definitions(byId('exits'));
const actions = new Keyed<PoolAction, HTMLElement>(byId('actions'), actionButton);
const events = new Keyed<LogLine & { readonly key: string }, HTMLLIElement>(byId('events'), ({ at, level, text }) => {
  const item = make('li', '', level);
  const time = make('time', new Date(at).toLocaleTimeString());
  time.dateTime = new Date(at).toISOString();
  item.append(time, level === 'error' || level === 'warn' ? `${level}: ${text}` : text);
  return item;
});

function show(board: Board): void {
  last = board;
  const { alias, address, totals, limits, cells } = board;
  setText(byId('alias'), alias);
  setText(byId('address'), address);
  if (document.title !== alias) document.title = alias;
  const { text, good } = mode(board);
  setText(byId('mode'), text);
  setAttribute(byId('mode'), 'class', `badge ${good ? 'good' : 'bad'}`);
  const memory = cells.reduce((sum, { rss }) => sum + (rss ?? 0), 0);
  showTotals([
    ['clients', String(totals.connections)],
    ['waiting', totals.queued === undefined ? '–' : `${totals.queued} of ${limits.Backlog}`],
    ['workers', `${totals.workers} of ${limits.MaxServer}`],
    ['spare', String(totals.spare)],
    ['served', String(totals.served)],
    ['memory', megabytes(memory)],
    ['up for', duration(board.now - board.startedAt)],
  ]);
  showLegend(cells);
  showBoard(cells, chosen);
  showDetails(board, chosen);
  showHangs(board.hangs);
  showTable(board);
  showExits(Object.entries(totals.exits).filter(([, count]) => count > 0).map(([reason, count]) => [reason, String(count)]));
  setText(byId('releases'), releases(board));
  actions.show(hello?.mayAct === true ? poolActions(board, hello.mayReload) : [], ({ path }) => path, () => undefined);
}

function showSamples(samples: readonly Sample[]): void {
  const draw = (id: string, title: string, value: (sample: Sample) => number | null): void => {
    const { points, most, last: now } = line(samples, value);
    setText(byId(`${id}-text`), now === null ? `${title}: not known here` : `${title}: ${now} now, ${most} at most`);
    const svg = byId(id);
    const drawn = svg.querySelector('polyline') ?? svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'polyline'));
    setAttribute(drawn, 'points', points);
  };
  draw('clients', 'Clients', ([, clients]) => clients);
  draw('queue', 'Waiting in the queue', ([, , queued]) => queued);
}

function showLog(log: readonly LogLine[]): void {
  // Equal lines of the same millisecond are told apart by their order, counted from the oldest.
  const seen = new Map<string, number>();
  const keyed = log.toReversed().map((entry) => {
    const name = `${entry.at} ${entry.text}`;
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return { ...entry, key: `${name} ${nth}` };
  }).toReversed();
  events.show(keyed, ({ key }) => key, () => undefined);
}

function greet(data: Hello): void {
  hello = data;
  setText(byId('about'), `prefork-tcp-server ${data.version}, Node ${data.node}`);
  byId('login').hidden = data.mayAct || !data.hasToken;
  chosen = undefined;
}

byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  token = (byId('token') as HTMLInputElement).value;
  sessionStorage.setItem(STORED, token);
  location.reload();
});

/** The browser's timers. */
const clock: StreamParts['clock'] = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => { clearTimeout(timer); } };
  },
};

void follow({ token: () => token, fetch: async (path, init) => fetch(path, init), clock }, {
  heard(event, data) {
    // The frame and its master have the same version, unless an old page meets a new master: then the page is reloaded.
    if (event === 'hello' && hello !== undefined && hello.version !== (data as Hello).version) location.reload();
    if (event === 'hello') greet(data as Hello);
    if (event === 'board') show(data as Board);
    if (event === 'samples') showSamples(data as readonly Sample[]);
    if (event === 'log') showLog(data as readonly LogLine[]);
  },
  link(state, text) {
    const isOpen = state === 'open';
    // Each message confirms that; a notice about an action stays until the next one.
    if (isOpen && isLinked) return;
    isLinked = isOpen;
    document.body.classList.toggle('stale', !isOpen);
    setText(byId('link'), isOpen ? 'connected' : state === 'refused' ? 'token refused' : 'connection lost');
    setAttribute(byId('link'), 'class', `badge ${isOpen ? 'good' : 'lost'}`);
    if (state === 'refused') {
      sessionStorage.removeItem(STORED);
      token = undefined;
      byId('login').hidden = false;
    }
    notice(isOpen ? '' : state === 'refused' ? text : `The master does not answer. ${text.trim()} What is shown is old; this page tries again by itself.`);
  },
});
