import { BlockList, isIP } from 'node:net';
import { PreforkError } from '../errors.js';

/**
 * Makes a net.BlockList of addresses and CIDR ranges; one that is given is taken as it is.
 *
 * @throws PreforkError ERR_PREFORK_OPTION for an entry that is neither
 */
export function toBlockList(given: BlockList | readonly string[] | undefined): BlockList | undefined {
  if (given === undefined || !isList(given)) return given;
  const list = new BlockList();
  for (const entry of given) {
    const [address = '', prefix, ...more] = entry.split('/');
    const family = isIP(address);
    const type = family === 4 ? 'ipv4' : 'ipv6';
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
    if (family === 0 || !isPrefix || more.length > 0) {
      throw new PreforkError('ERR_PREFORK_OPTION', `BlockList has ${JSON.stringify(entry)}; it takes addresses and CIDR ranges such as '192.0.2.0/24' or '2001:db8::/32'.`);
    }
    if (prefix === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(prefix), type);
  }
  return list;
}

const isList = (given: BlockList | readonly string[]): given is readonly string[] => Array.isArray(given);
