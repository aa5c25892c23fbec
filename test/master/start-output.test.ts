import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { ShownTexts, StartOutput } from '../../src/master/start-output.js';
import { ManualClock } from '../support/manual-clock.js';

function starts(): { clock: ManualClock; written: string[]; output: () => StartOutput } {
  const clock = new ManualClock();
  const shown = new ShownTexts(clock);
  const written: string[] = [];
  return { clock, written, output: () => new StartOutput(shown, { clock, write: (data) => { written.push(Buffer.from(data).toString()); } }) };
}

describe('what workers write to stderr while they start', () => {
  it('is shown once if several fail with the same words, whatever their pids', () => {
    const { written, output } = starts();
    const [first, second] = [output(), output()];
    first.push(Buffer.from('worker 11: port '));
    second.push(Buffer.from('worker 12: port in use\n'));
    first.push(Buffer.from('in use\n'));

    first.end();
    second.end();

    expect(written).toEqual(['worker 11: port in use\n']);
    expect(second.lastLines).toBe('worker 12: port in use\n');
  });

  it('is shown again if the trouble is another, or lasts', () => {
    const { clock, written, output } = starts();
    for (const text of ['no database', 'no disk', 'no disk']) {
      const worker = output();
      worker.push(Buffer.from(text));
      worker.end();
    }
    clock.advance(5000);
    const later = output();
    later.push(Buffer.from('no disk'));
    later.end();

    expect(written).toEqual(['no database', 'no disk', 'no disk']);
  });

  it('is not shown again if it is the error of a worker that has shown it by itself', () => {
    const clock = new ManualClock();
    const shown = new ShownTexts(clock);
    const written: string[] = [];
    const end = (text: string): void => {
      const output = new StartOutput(shown, { clock, write: (data) => { written.push(Buffer.from(data).toString()); } });
      output.push(Buffer.from(text));
      output.end();
    };

    shown.shownByItself('database');
    end('Error: no database 1\n');
    shown.shownByItself('listen EADDRINUSE 127.0.0.1:8080');
    end('node:net:1908\nError: listen EADDRINUSE 127.0.0.1:8080\n');
    end('Error: no database\n');
    clock.advance(5000);
    end('Error: listen EADDRINUSE 127.0.0.1:8080\n');

    expect(written).toEqual(['Error: no database 1\n', 'Error: no database\n', 'Error: listen EADDRINUSE 127.0.0.1:8080\n']);
  });

  it('is shown at once when it has started, and soon if that takes long', () => {
    const { clock, written, output } = starts();
    const [ready, slow] = [output(), output()];
    ready.push(Buffer.from('a'));
    ready.pass();
    ready.push(Buffer.from('b'));
    slow.push(Buffer.from('c'));
    expect(written).toEqual(['a', 'b']);

    clock.advance(250);

    expect(written).toEqual(['a', 'b', 'c']);
  });
});
