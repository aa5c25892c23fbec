import type { Board, Cell, CellState, Hang } from '../page-data.js';
import { Keyed, byId, childOf, definitions, make, setAttribute, setText } from './dom.js';
import { COLUMNS, STATES, duration, megabytes, milliseconds, sentence, sorted } from './format.js';

/** The legend with a count for each state. */
export function legend(): (cells: readonly Cell[]) => void {
  const list = new Keyed<CellState, HTMLLIElement>(byId('legend'), (state) => {
    const item = make('li');
    item.append(make('span', STATES[state].letter, state), make('b'));
    return item;
  });
  return (cells) => {
    list.show(Object.keys(STATES) as CellState[], (state) => state, (item, state) => {
      setText(childOf(item, 1), `${cells.filter((cell) => cell.state === state).length} ${STATES[state].meaning}`);
    });
  };
}

/** The board: a cell for each worker. One of them can be reached with the Tab key; arrow keys move on from there. */
export function board(choose: (pid: number) => void): (cells: readonly Cell[], chosen: number | undefined) => void {
  const root = byId('board');
  let atTab: number | undefined;
  const list = new Keyed<Cell, HTMLButtonElement>(root, ({ pid }) => {
    const cell = make('button');
    cell.type = 'button';
    cell.dataset['pid'] = String(pid);
    cell.addEventListener('click', () => { choose(pid); });
    cell.addEventListener('focus', () => { atTab = pid; });
    return cell;
  });
  root.addEventListener('keydown', (event) => {
    const cells = [...root.children] as HTMLElement[];
    const at = cells.indexOf(document.activeElement as HTMLElement);
    const to = new Map([['ArrowRight', at + 1], ['ArrowDown', at + 1], ['ArrowLeft', at - 1], ['ArrowUp', at - 1], ['Home', 0], ['End', cells.length - 1]]).get(event.key);
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = cells[Math.min(Math.max(to, 0), cells.length - 1)];
    for (const cell of cells) cell.tabIndex = cell === next ? 0 : -1;
    next?.focus();
  });
  return (cells, chosen) => {
    root.classList.toggle('many', cells.length > 60);
    const tab = cells.some(({ pid }) => pid === atTab) ? atTab : cells[0]?.pid;
    list.show(cells, ({ id }) => id, (button, cell) => {
      setText(button, STATES[cell.state].letter);
      setAttribute(button, 'class', `cell ${cell.state}`);
      setAttribute(button, 'aria-label', sentence(cell));
      setAttribute(button, 'title', sentence(cell));
      setAttribute(button, 'aria-pressed', String(cell.pid === chosen));
      button.tabIndex = cell.pid === tab ? 0 : -1;
    });
  };
}

/** All that is known about the chosen worker; `actions` shows what can be done to it. */
export function details(actions: (parent: HTMLElement, pid: number) => void): (board: Board, chosen: number | undefined) => void {
  const root = byId('worker');
  let shown: number | undefined;
  let show: ReturnType<typeof definitions> | undefined;
  return ({ cells, now }, chosen) => {
    const cell = cells.find(({ pid }) => pid === chosen);
    root.hidden = cell === undefined;
    if (cell === undefined) {
      root.replaceChildren();
      shown = undefined;
      return;
    }
    if (shown !== cell.pid) {
      const list = make('dl');
      const buttons = make('div');
      root.replaceChildren(make('h3', `Worker ${cell.pid}`), list, buttons);
      show = definitions(list);
      actions(buttons, cell.pid);
      shown = cell.pid;
    }
    show?.([
      ['state', STATES[cell.state].meaning], ...(cell.why === '' ? [] : [['why', cell.why] as const]), ['clients', String(cell.clients)], ['served', String(cell.served)],
      ['release', String(cell.release)],      ['age', duration(now - cell.startedAt)], ['last heard from', `${duration(now - cell.heardAt)} ago`],
      ['memory', megabytes(cell.rss)], ['loop delay', milliseconds(cell.delayMs)],
    ]);
  };
}

/** The table, sorted by the column whose head was last pressed. */
export function table(choose: (pid: number) => void): (board: Board) => void {
  const root = byId('table');
  const [head, body] = [childOf(root, 0), childOf(root, 1)];
  let by = 0;
  let isDescending = false;
  let last: Board | undefined;
  const heads = COLUMNS.map(({ title }, index) => {
    const cell = make('th');
    const button = make('button', title);
    button.addEventListener('click', () => {
      isDescending = by === index && !isDescending;
      by = index;
      if (last !== undefined) show(last);
    });
    cell.append(button);
    return cell;
  });
  const row = make('tr');
  row.append(...heads);
  head.append(row);
  const rows = new Keyed<Cell, HTMLTableRowElement>(body, ({ pid }) => {
    const made = make('tr');
    made.append(...COLUMNS.map(() => make('td')));
    made.addEventListener('click', () => { choose(pid); });
    return made;
  });
  const show = (board: Board): void => {
    last = board;
    heads.forEach((cell, index) => { setAttribute(cell, 'aria-sort', index !== by ? 'none' : isDescending ? 'descending' : 'ascending'); });
    rows.show(sorted(board.cells, COLUMNS[by], isDescending), ({ id }) => id, (made, cell) => {
      COLUMNS.forEach((column, index) => { setText(childOf(made, index), column.show(cell, board.now)); });
    });
  };
  return show;
}

/** Where workers hang. */
export function hangs(): (list: readonly Hang[]) => void {
  const keyed = new Keyed<Hang, HTMLDivElement>(byId('hangs'), () => {
    const made = make('div');
    made.append(make('p'), make('pre'));
    return made;
  });
  return (list) => {
    byId('hung').hidden = list.length === 0;
    keyed.show(list, ({ pid }) => pid, (made, { pid, blockedFor, stack }) => {
      setText(childOf(made, 0), `Worker ${pid} had been blocked for ${blockedFor.toFixed(1)} s ${stack.length === 0 ? 'outside of JavaScript, as in a synchronous wait.' : 'here:'}`);
      setText(childOf(made, 1), stack.join('\n'));
    });
  };
}
