import { BlockList, isIP } from 'node:net';

/** What BlockList takes: entries as texts, or something that checks an address, such as a net.BlockList. */
export type BlockListOption = BlockList | readonly string[];

/**
 * Makes a net.BlockList of addresses, CIDR ranges and ranges from one address to another; a net.BlockList is used as it is.
 *
 * @param problems - gets each entry that is none of these
 * @param option - whose list it is, for the messages
 */
export function toBlockList(given: BlockListOption, problems: string[], option?: string): BlockList;
export function toBlockList(given: BlockListOption | undefined, problems: string[], option?: string): BlockList | undefined;
export function toBlockList(given: BlockListOption | undefined, problems: string[], option = 'BlockList'): BlockList | undefined {
  if (given === undefined || !isList(given)) return given;
  const list = new BlockList();
  for (const entry of given) {
    if (addRange(list, entry) || addSubnet(list, entry)) continue;
    problems.push(`${option} has ${JSON.stringify(entry)}; it takes addresses, CIDR ranges such as '192.0.2.0/24' or '2001:db8::/32', and ranges such as '192.0.2.1-192.0.2.9'.`);
  }
  return list;
}

/** The entries of a list as texts, fit to be sent to a worker. */
export function blockListEntries(given: BlockListOption): readonly string[] {
  // A copy: later changes to the list must not change the pool.
  if (isList(given)) return [...given];
  // 'Address: IPv4 192.0.2.1', 'Subnet: IPv4 192.0.2.0/24', 'Range: IPv4 192.0.2.1-192.0.2.9'
  return given.rules.map((rule) => rule.replace(/^\w+: IPv[46] /, ''));
}

const isList = (given: BlockListOption): given is readonly string[] => Array.isArray(given);

function addSubnet(list: BlockList, entry: string): boolean {
  const [address = '', prefix, ...more] = entry.split('/');
  const type = typeOf(address);
  if (type === undefined || more.length > 0) return false;
  if (prefix === undefined) {
    list.addAddress(address, type);
    return true;
  }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (type === 'ipv4' ? 32 : 128)) return false;
  list.addSubnet(address, Number(prefix), type);
  return true;
}

function addRange(list: BlockList, entry: string): boolean {
  const [first = '', last = '', ...more] = entry.split('-');
  const type = typeOf(first);
  if (type === undefined || type !== typeOf(last) || more.length > 0) return false;
  try {
    list.addRange(first, last, type);
    return true;
  } catch {
    // The first address is above the last.
    return false;
  }
}

function typeOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const family = isIP(address);
  return family === 0 ? undefined : family === 4 ? 'ipv4' : 'ipv6';
}
