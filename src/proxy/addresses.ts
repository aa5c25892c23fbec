import type { Buffer } from 'node:buffer';

const NUMBER = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${NUMBER}(?:\\.${NUMBER}){3}$`);

/** Whether a text is an IPv4 address as the PROXY protocol takes it: four numbers without leading zeros. */
export const isIpv4 = (text: string): boolean => IPV4.test(text);

/** An IPv6 address in its shortest form, so that the same client always has the same text; undefined if it is not one. */
export function toIpv6(text: string): string | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  // '::' stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  // An IPv4 address has to be the last of all.
  if (tail !== undefined && (halves[0] ?? '').includes('.')) return undefined;
  return formatIpv6([...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])]);
}

/** The groups on one side of '::'; an IPv4 address at its end counts as two. Undefined if it is malformed. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const four = isIpv4(last) ? last.split('.').map(Number) : undefined;
  const words = four === undefined ? parts : parts.slice(0, -1);
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  const groups = words.map((word) => Number.parseInt(word, 16));
  if (four !== undefined) groups.push((four[0] ?? 0) * 256 + (four[1] ?? 0), (four[2] ?? 0) * 256 + (four[3] ?? 0));
  return groups;
}

/** Reads four bytes. */
export function ipv4At(bytes: Buffer, at: number): string {
  return `${bytes[at] ?? 0}.${bytes[at + 1] ?? 0}.${bytes[at + 2] ?? 0}.${bytes[at + 3] ?? 0}`;
}

/** Reads sixteen bytes. */
export function ipv6At(bytes: Buffer, at: number): string {
  return formatIpv6(Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(at + 2 * group)));
}

/** The text in the system's form (libuv's uv_inet_ntop, from which Node's own addresses come). */
function formatIpv6(groups: readonly number[]): string {
  const { from, length } = longestZeros(groups);
  // ::ffff:192.0.2.1, and ::192.0.2.1, which was once called IPv4-compatible.
  const endsInIpv4 = from === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff));
  const words = groups.map((group) => group.toString(16));
  if (endsInIpv4) {
    const [high = 0, low = 0] = groups.slice(6);
    words.splice(6, 2, `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
  }
  if (length < 2) return words.join(':');
  return `${words.slice(0, from).join(':')}::${words.slice(from + length).join(':')}`;
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): { readonly from: number; readonly length: number } {
  let best = { from: 0, length: 0 };
  let from = 0;
  for (let at = 0; at <= groups.length; at++) {
    if (groups[at] === 0) continue;
    if (at - from > best.length) best = { from, length: at - from };
    from = at + 1;
  }
  return best;
}
