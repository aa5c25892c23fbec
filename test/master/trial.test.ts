import { describe, expect, it } from 'vitest';
import { Trial, type TrialOutcome, type TrialParts } from '../../src/master/trial.js';
import { ManualClock, turn } from '../support/manual-clock.js';

const EXIT = { code: 1, signal: null, stderr: 'its last words', error: undefined };

/** A trial of 3 seconds whose worker ends when it is killed. */
function trialOf(given: Partial<TrialParts> = {}): { trial: Trial; clock: ManualClock; killed: () => number; outcome: () => TrialOutcome | undefined } {
  const clock = new ManualClock();
  let kills = 0;
  let outcome: TrialOutcome | undefined;
  const trial: Trial = new Trial({
    clock, startMs: 60_000, settleMs: 3000, checkMs: 60_000, check: () => true, objection: () => undefined,
    kill: () => {
      kills += 1;
      trial.exited({ ...EXIT, code: null });
    },
    ...given,
  });
  void trial.outcome.then((value) => { outcome = value; });
  return { trial, clock, killed: () => kills, outcome: () => outcome };
}

describe('the trial of a release', () => {
  it('is passed by a worker that is heard of when it has lived for the settle time, and not before', async () => {
    const { trial, clock, outcome } = trialOf();
    trial.ready();
    clock.advance(2999);
    trial.heard();
    await turn();
    expect(outcome()).toBeUndefined();

    clock.advance(1);
    trial.heard();
    await turn();

    expect(outcome()).toEqual({ passed: true });
  });

  it('is passed at once when there is nothing to wait for', async () => {
    const { trial, outcome } = trialOf({ settleMs: 0 });

    trial.ready();
    await turn();

    expect(outcome()).toEqual({ passed: true });
  });

  it.each<[string, string, Partial<TrialParts>, (trial: Trial, clock: ManualClock) => void]>([
    ['ends before it is ready', 'boot', {}, (trial) => { trial.exited(EXIT); }],
    ['is never ready', 'hung', {}, (_trial, clock) => { clock.advance(60_000); }],
    ['ends after it was ready', 'crashed', {}, (trial) => { trial.ready(); trial.exited(EXIT); }],
    ['is never heard of again', 'hung', {}, (trial, clock) => { trial.ready(); clock.advance(8000); }],
    ['is ended by the plan', 'hung', {}, (trial) => { trial.fail('hung'); }],
    ['does not pass the check', 'check', { settleMs: 0, check: () => false }, (trial) => { trial.ready(); }],
    ['makes the check throw', 'check', { settleMs: 0, check: () => { throw new Error('no'); } }, (trial) => { trial.ready(); }],
    ['makes the check reject', 'check', { settleMs: 0, check: () => Promise.reject(new Error('no')) }, (trial) => { trial.ready(); }],
    ['ends while it is checked', 'crashed', { settleMs: 0, check: () => new Promise(() => undefined) }, (trial) => { trial.ready(); trial.exited(EXIT); }],
    ['makes the check take longer than it may', 'check', { settleMs: 0, check: () => new Promise(() => undefined) }, (trial, clock) => { trial.ready(); clock.advance(60_000); }],
    ['has options that the pool cannot take', 'options', { objection: () => new Error('no') }, (trial) => { trial.ready(); }],
    ['speaks another version', 'version', {}, (trial) => { trial.fail('version'); }],
  ])('is failed by a worker that %s', async (_title, reason, parts, happen) => {
    const { trial, clock, outcome } = trialOf(parts);

    happen(trial, clock);
    await turn();

    expect(outcome()).toMatchObject({ passed: false, reason, stderr: 'its last words' });
  });

  it('says why a worker ended, if it said so', async () => {
    const { trial, outcome } = trialOf();

    trial.said({ message: 'the database is away' });
    trial.exited(EXIT);
    await turn();

    expect(outcome()).toMatchObject({ reason: 'boot', cause: { message: 'the database is away' } });
  });

  it('does not take a worker for hung because the master itself was held up', async () => {
    const { trial, clock, killed, outcome } = trialOf();
    trial.ready();

    clock.sleep(60_000);
    clock.settle();
    trial.heard();
    await turn();

    expect(killed()).toBe(0);
    expect(outcome()).toEqual({ passed: true });
  });

  it('hears nothing after it is over', async () => {
    const { trial, killed, outcome } = trialOf({ settleMs: 0 });
    trial.ready();
    await turn();

    trial.fail('hung');
    trial.exited(EXIT);
    await turn();

    expect(killed()).toBe(0);
    expect(outcome()).toEqual({ passed: true });
  });
});
