import type { Handover } from '../filters/filter.js';
import { checkedRest } from './arguments.js';

/** What belongs to the last records of two filters, both replaced before more input came: what the first one finds left is the second one's. */
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
