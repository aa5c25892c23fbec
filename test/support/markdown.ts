import { readFileSync } from 'node:fs';

/** A block of code, and the heading that it stands under. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  readonly heading: string;
}

/** One of the repository's documents, as far as tests look into them. */
export class Markdown {
  readonly text: string;
  /** The text without blocks of code. */
  readonly prose: string;

  /** @param name - from the repository's root */
  constructor(name: string) {
    this.text = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
    this.prose = this.text.replace(/^```[^]*?^```$/gm, '');
  }

  /** What stands between a heading and the next one of its level or above. */
  chapter(title: string): string {
    const [, marks = ''] = new RegExp(`^(#+) ${title.replace(/[?.]/g, '\\$&')}$`, 'm').exec(this.text) ?? [];
    if (marks === '') throw new Error(`There is no chapter ${title}.`);
    const [, chapter = ''] = this.text.split(`\n${marks} ${title}\n`);
    // A line of a program may begin as a heading does.
    const end = new RegExp(`^#{1,${marks.length}} `, 'm').exec(chapter.replace(/^```[^]*?^```$/gm, (code) => ' '.repeat(code.length)));
    return chapter.slice(0, end?.index);
  }

  /** Cells of the rows of all tables in a chapter, head lines left out. */
  rows(title: string): string[][] {
    return rowsOf(this.chapter(title));
  }

  /** Names in backquotes in the first column of a chapter's tables, without what follows the name. */
  listed(title: string): string[] {
    return this.rows(title).flatMap(([first = '']) => namesIn(first));
  }

  get headings(): string[] {
    return [...this.prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  }

  /** Targets of links and images. */
  get links(): string[] {
    return [...this.prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  }

  get codeBlocks(): CodeBlock[] {
    let heading = '';
    return [...this.text.matchAll(/^#+ (.*)$|^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, title, language = '', code]) => {
      if (title !== undefined) heading = title;
      return code === undefined ? [] : [{ language, code, heading }];
    });
  }
}

/** The names of a call or a list of them, in backquotes: of `put(...records)` it is `put`. */
export function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([\w:.]+)(?:\([^`]*\))?`/g)].map(([, name = '']) => name);
}

/** The cells of the rows of all tables in a text. */
export function rowsOf(text: string): string[][] {
  const lines = text.split('\n');
  return lines.filter((line, index) => line.startsWith('|') && !/^\| ?-/.test(line) && !/^\| ?-/.test(lines[index + 1] ?? ''))
    .map((line) => line.replace(/^\| *| *\|$/g, '').split(/ (?<!\\)\| /));
}

/** The name of a heading in links, as GitHub makes it. */
export const anchorOf = (heading: string): string => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

/** Words, without what only draws a table. */
export const wordsIn = (text: string): number => text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
