/** Whether a measured value is what it must be: the value itself, '<= number', or anything ('').
 *
 * @param {unknown} measured
 * @param {unknown} bound
 */
export function holds(measured, bound) {
  if (bound === '') return true;
  const [, most] = /^<= ([\d.]+)$/.exec(String(bound)) ?? [];
  return most === undefined ? measured === bound : Number(measured) <= Number(most);
}
