/** IP addresses as the rule matcher sees them: upper-case hex digits, 8 for IPv4 and 32 for IPv6, compared as text. */

const V4 = /^\d+\.\d+\.\d+\.\d+$/;
const V6 = /^[\da-fA-F:]*:[\da-fA-F:]*$/;

/** The address as hex digits, or undefined when the text is no address. */
export function addressToHex(text: string): string | undefined {
  const bytes = V4.test(text) ? parseV4(text) : V6.test(text) ? parseV6(text) : undefined;
  return bytes === undefined ? undefined : toHex(bytes);
}

export interface AddressRange {
  readonly bottom: string;
  readonly top: string;
}

/** `10.0.0.0/8` as its first and last address; an Error whose message is the matcher's own. */
export function parseCidr(cidr: string): AddressRange {
  const parts = cidr.split('/');
  while (parts.at(-1) === '') parts.pop();
  if (parts.length !== 2) throw new Error("Malformed CIDR, one '/' required");
  const [address = '', mask = ''] = parts;
  if (!/^[+-]?\d+$/.test(mask)) throw new Error('Malformed CIDR, mask bits must be an integer');
  const bits = Number(mask);
  if (bits < 0) throw new Error('Malformed CIDR, mask bits must not be negative');
  if (!V4.test(address) && !V6.test(address)) throw new Error(`Nonstandard IP address: ${address}`);
  const hex = addressToHex(address);
  if (hex === undefined) throw new Error(`Invalid IP address: ${address}`);
  if (hex.length === 8 && bits > 31) throw new Error('IPv4 mask bits must be < 32');
  if (hex.length === 32 && bits > 127) throw new Error('IPv6 mask bits must be < 128');
  const size = hex.length * 4;
  const value = BigInt(`0x${hex}`);
  const host = (1n << BigInt(size - bits)) - 1n;
  const text = (n: bigint) => n.toString(16).toUpperCase().padStart(hex.length, '0');
  return { bottom: text(value & ~host), top: text(value | host) };
}

/**
 * Is the value within the range? As in AWS's matcher the digits decide from left to right, and the first one that lies
 * inside decides for all that follow: so an IPv6 address can lie in an IPv4 range, and a shorter value in a longer one.
 */
export function inRange(hex: string, range: AddressRange): boolean {
  const { bottom, top } = range;
  let onBottom = true;
  let onTop = true;
  for (let i = 0; i < bottom.length; i++) {
    const digit = hex[i];
    if (digit === undefined || !/[\dA-F]/.test(digit)) return false;
    if ((onBottom && digit < bottom[i]!) || (onTop && digit > top[i]!)) return false;
    onBottom = onBottom && digit === bottom[i];
    onTop = onTop && digit === top[i];
    if (!onBottom && !onTop) return true;
  }
  return true;
}

function toHex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('');
}

function parseV4(text: string): number[] | undefined {
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string) => (half === '' ? [] : half.split(':'));
  const head = groups(halves[0] ?? '');
  const tail = groups(halves[1] ?? '');
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!all.every((group) => /^[\da-fA-F]{1,4}$/.test(group))) return undefined;
  const bytes = all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  // An IPv4-mapped address is the IPv4 address.
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.slice(12) : bytes;
}
