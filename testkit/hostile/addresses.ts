/** Addresses and names that lead to other places than they seem to, and an independent judge of where an address leads. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** Link-local, metadata, loopback, "this host", multicast and broadcast, in every form that a resolver or a kernel may read. */
export const forbidden: readonly string[] = [
  ...['169.254.169.254', '169.254.170.2', '169.254.0.1', 'fd00:ec2::254', 'FD00:EC2::23', 'fe80::1', 'febf::1'],
  ...['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '0.0.0.0', '0.1.2.3', '::', '0::0'],
  ...['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::FFFF:127.0.0.1', '0:0:0:0:0:ffff:7f00:1', '::ffff:0.0.0.0'],
  ...['64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe', '64:ff9b::7f00:1', '64:ff9b:1::a9fe:a9fe'],
  ...['2002:a9fe:a9fe::1', '2002:7f00:1::', '::169.254.169.254', '::a9fe:a9fe', '::127.0.0.1', '::ffff:0:a9fe:a9fe'],
];

/** No addresses for a judge, but some functions of some systems read them. */
export const oddForms: readonly string[] = [
  ...['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '169.16689662', '0xa9.0xfe.0xa9.0xfe'],
  ...['127.1', '0177.0.0.1', '0x7f.1', '127.0.0.1.', '127.000.000.001', '1', '0', '127。0。0。1', '①②⑦.0.0.1'],
  ...['fe80::1%eth0', '::1%lo', '[::1]', '::ffff:127.0.0.1%1', '::ffff:0x7f.0.0.1', '1::2::3', ':::', '12345::'],
  ...['10.0.0.1 ', ' 10.0.0.1', '10.0.0.1\n', '10.0.0.1\0', '10.0.0.256', '+10.0.0.1', 'localhost', ''],
];

const blocked = new BlockList();
blocked.addSubnet('169.254.0.0', 16, 'ipv4');
blocked.addSubnet('127.0.0.0', 8, 'ipv4');
blocked.addSubnet('0.0.0.0', 8, 'ipv4');
blocked.addSubnet('224.0.0.0', 4, 'ipv4');
blocked.addAddress('255.255.255.255', 'ipv4');
blocked.addSubnet('fe80::', 10, 'ipv6');
blocked.addSubnet('fd00:ec2::', 32, 'ipv6');
blocked.addSubnet('64:ff9b:1::', 48, 'ipv6');
blocked.addSubnet('ff00::', 8, 'ipv6');
blocked.addAddress('::', 'ipv6');
blocked.addAddress('::1', 'ipv6');

/** Every address that a connection to this one may reach: itself, and IPv4 addresses inside of it. Undefined: not an address. */
export function reachedBy(address: string): readonly string[] | undefined {
  if (isIPv4(address)) return [address];
  if (!isIPv6(address) || address.includes('%')) return undefined;
  const groups = groupsOf(new URL(`http://[${address}]/`).hostname.slice(1, -1));
  const v4 = (high: number): string =>
    [groups[high] ?? 0, groups[high + 1] ?? 0].flatMap((group) => [group >> 8, group & 0xff]).join('.');
  const isZero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  const holds =
    (isZero(0, 5) && groups[5] === 0xffff) ||
    (isZero(0, 4) && groups[4] === 0xffff && groups[5] === 0) ||
    (groups[0] === 0x64 && groups[1] === 0xff9b && isZero(2, 6)) ||
    (isZero(0, 6) && !isZero(6, 7)) ||
    (isZero(0, 7) && (groups[7] ?? 0) > 255);
  return [address, ...(holds ? [v4(6)] : []), ...(groups[0] === 0x2002 ? [v4(1)] : [])];
}

/** `text` is compressed, without dots. */
function groupsOf(text: string): readonly number[] {
  const [head = '', tail] = text.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const [before, after] = [[...head], [...(tail ?? [])]];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

export const isForbidden = (address: string, except: BlockList = new BlockList()): boolean =>
  (reachedBy(address) ?? ['0.0.0.0']).some((each) => contains(blocked, each) && !contains(except, each));

export const contains = (list: BlockList, address: string): boolean =>
  list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
