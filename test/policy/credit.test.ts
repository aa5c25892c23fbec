import { describe, expect, it } from 'vitest';
import { CREDIT, NO_CHURN, SHORT_LIVED_CREDIT, creditFor, observeChurn, type Churn } from '../../src/policy/credit.js';

/** Looks every 10 ms: so many clients come in each, and so many leave. */
function after(looks: readonly (readonly [came: number, left: number])[], before: Churn = NO_CHURN): Churn {
  let { served, clients, at } = before;
  return looks.reduce((churn, [came, left]) => {
    served += came;
    clients += came - left;
    at += 10;
    return observeChurn(churn, { served, clients, now: at });
  }, before);
}

const many = (came: number, left: number, looks = 20): (readonly [number, number])[] => Array.from({ length: looks }, () => [came, left]);

describe('creditFor', () => {
  it.each([
    ['gives little before anything is known', [], CREDIT],
    ['gives little while clients last', many(20, 0), CREDIT],
    ['gives little while most clients last', many(20, 9), CREDIT],
    ['gives much while most clients leave soon', many(20, 11), SHORT_LIVED_CREDIT],
    ['gives much in a steady churn', many(50, 50), SHORT_LIVED_CREDIT],
    ['takes a few clients for no proof', many(1, 1, 5), CREDIT],
    ['gives little when clients begin to last', [...many(20, 20), ...many(20, 0, 10)], CREDIT],
    ['forgets a churn that is long over', [...many(20, 20), ...many(0, 0, 100), ...many(1, 1, 1)], CREDIT],
  ])('%s', (_title, looks, expected) => {
    expect(creditFor(after(looks))).toBe(expected);
  });
});

describe('observeChurn', () => {
  it('looks no more often than every 10 ms', () => {
    const churn = after(many(20, 20));

    expect(observeChurn(churn, { served: 1_000_000, clients: 0, now: churn.at + 9 })).toBe(churn);
  });

  it('takes counts that seem to go back, as late reports make them, for no change', () => {
    const churn = observeChurn(after(many(20, 20)), { served: 0, clients: 0, now: 10_000 });

    expect(churn.came).toBeGreaterThanOrEqual(0);
    expect(churn.left).toBeGreaterThanOrEqual(0);
  });
});
