/** The element of the frame with an id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element ${id}.`);
  return element;
}

/** The nth child of an element, which must exist. */
export function childOf(parent: Element, index: number): Element {
  const child = parent.children[index];
  if (child === undefined) throw new Error(`There is no child ${index}.`);
  return child;
}

/** Makes an element. Text is set as text, so that nothing in it is taken for markup. */
export function make<Name extends keyof HTMLElementTagNameMap>(name: Name, text = '', className = ''): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (text !== '') element.textContent = text;
  if (className !== '') element.className = className;
  return element;
}

/** Sets a text only if it differs, so that screen readers announce only changes. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Elements by key: made once and kept, so that focus and scroll position stay when their content changes. */
export class Keyed<Item, Made extends Element> {
  readonly #parent: Element;
  readonly #make: (item: Item) => Made;
  readonly #made = new Map<string | number, Made>();

  constructor(parent: Element, makeOne: (item: Item) => Made) {
    this.#parent = parent;
    this.#make = makeOne;
  }

  show(items: readonly Item[], key: (item: Item) => string | number, update: (made: Made, item: Item) => void): void {
    const gone = new Set(this.#made.keys());
    items.forEach((item, index) => {
      const id = key(item);
      gone.delete(id);
      const made = this.#made.get(id) ?? this.#make(item);
      this.#made.set(id, made);
      update(made, item);
      if (this.#parent.children[index] !== made) this.#parent.insertBefore(made, this.#parent.children[index] ?? null);
    });
    for (const id of gone) {
      this.#made.get(id)?.remove();
      this.#made.delete(id);
    }
  }
}

/** Shows names and values as a list of definitions. */
export function definitions(list: HTMLElement): (entries: readonly (readonly [string, string])[]) => void {
  const keyed = new Keyed<readonly [string, string], HTMLDivElement>(list, ([name]) => {
    const pair = make('div');
    pair.append(make('dt', name), make('dd'));
    return pair;
  });
  return (entries) => { keyed.show(entries, ([name]) => name, (pair, [, value]) => { setText(childOf(pair, 1), value); }); };
}
