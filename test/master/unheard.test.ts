import { describe, expect, it } from 'vitest';
import { UnheardErrors } from '../../src/master/unheard.js';
import { ManualClock } from '../support/manual-clock.js';

function errors(): { readonly clock: ManualClock; readonly written: string[]; readonly show: (where: string, error: Error) => void } {
  const clock = new ManualClock();
  const written: string[] = [];
  const unheard = new UnheardErrors(clock, (text) => { written.push(text); });
  return { clock, written, show: (where, error) => { unheard.show({ pid: 7, id: 1, where, error }); } };
}

const failedStart = (text: string, cause?: Error): Error => new Error(`${text}\nIts last lines on stderr:\nand so on`, { cause });

describe('errors of workers that no one listens to', () => {
  it('are shown once for each place and second, and then counted', () => {
    const { clock, written, show } = errors();
    for (let count = 0; count < 3; count++) show('ClientInput', Object.assign(new Error('no luck'), { stack: 'Error: no luck' }));
    clock.advance(1000);
    show('ClientInput', Object.assign(new Error('again'), { stack: 'Error: again' }));

    expect(written).toEqual([
      'prefork-tcp-server: worker 7, ClientInput: Error: no luck\n', 'prefork-tcp-server: ClientInput: 2 more within a second\n',
      'prefork-tcp-server: worker 7, ClientInput: Error: again\n',
    ]);
  });

  it('are one trouble where starts fail by the same error, however often they are tried in half a minute', () => {
    const { clock, written, show } = errors();
    for (const text of ['1 time(s) in a row', '2 time(s) in a row', 'gives up']) {
      show('start', failedStart(text, new Error('listen EADDRINUSE')));
      clock.advance(9000);
    }
    show('start', failedStart('something else', new Error('no database')));
    clock.advance(30_000);
    show('start', failedStart('still', new Error('listen EADDRINUSE')));

    expect(written).toEqual([
      'prefork-tcp-server: worker 7, start: 1 time(s) in a row\n', 'prefork-tcp-server: worker 7, start: something else\n',
      'prefork-tcp-server: start: 2 more within 30 seconds\n', 'prefork-tcp-server: worker 7, start: still\n',
    ]);
  });

  it('are as many troubles as there are ways in which workers end, or keep from starting', () => {
    const { written, show } = errors();
    const texts = ['Worker 7 has used ten seconds', 'A worker ended (exit code 1), 1 time(s) in a row', 'A worker ended (SIGKILL), 2 time(s) in a row'];
    for (const text of texts) show('start', failedStart(text));
    show('start', failedStart('Worker 8 has used ten seconds'));
    show('start', failedStart('A worker ended (SIGKILL), 3 time(s) in a row'));

    expect(written).toEqual(texts.map((text) => `prefork-tcp-server: worker 7, start: ${text}\n`));
  });
});
