import type { Handover } from '../filters/filter.js';
import { checkedRest } from './arguments.js';

/** Joins the rests of two filters that were both replaced before more input came: what the first one leaves goes to the second. */
export function inTurn(first: Handover['rest'], second: Handover['rest']): Handover['rest'] {
  if (first === undefined || second === undefined) return first ?? second;
  let isFirst = true;
  return (input) => {
    const left = isFirst ? checkedRest(first(input)) : input;
    if (left === undefined) return undefined;
    isFirst = false;
    return second(left);
  };
}
