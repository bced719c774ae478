import { invalid } from '../errors.ts';

/**
 * Exact decimals by DynamoDB's rules: "up to 38 digits of precision", "1E-130 to 9.9999999999999999999999999999999999999E+125",
 * "leading and trailing zeroes are trimmed" (developer guide, Naming rules and data types).
 */
interface Decimal {
  readonly sign: -1 | 0 | 1;
  /** Significant digits, first and last not zero; empty for zero. */
  readonly digits: string;
  /** The value is 0.<digits> × 10^exponent. */
  readonly exponent: number;
}

const ZERO: Decimal = { sign: 0, digits: '', exponent: 0 };
const SHORT_INTEGER = /^(?:0|-?[1-9]\d{0,14})$/;
const POSITIVE_SHORT_INTEGER = /^[1-9]\d{0,14}$/;
const NUMBER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;

function parse(text: string): Decimal {
  const match = NUMBER.exec(text);
  if (match === null) throw invalid(`The parameter cannot be converted to a numeric value: ${text}`);
  const [, minus, whole = '', fraction = match[4] ?? '', , power = '0'] = match;
  const all = whole + fraction;
  let first = 0;
  while (first < all.length && all[first] === '0') first++;
  if (first === all.length) return ZERO;
  return {
    sign: minus === '-' ? -1 : 1,
    digits: trimZeros(all.slice(first)),
    exponent: whole.length - first + Number(power),
  };
}

function trimZeros(digits: string): string {
  let last = digits.length;
  while (digits[last - 1] === '0') last--;
  return last === digits.length ? digits : digits.slice(0, last);
}

function check(value: Decimal): Decimal {
  if (value.sign === 0) return value;
  if (value.exponent - 1 > 125) {
    throw invalid('Number overflow. Attempting to store a number with magnitude larger than supported range');
  }
  if (value.exponent - 1 < -130) {
    throw invalid('Number underflow. Attempting to store a number with magnitude smaller than supported range');
  }
  if (value.digits.length > 38) throw invalid('Attempting to store more than 38 significant digits in a Number');
  return value;
}

function format({ sign, digits, exponent }: Decimal): string {
  if (sign === 0) return '0';
  const minus = sign < 0 ? '-' : '';
  if (exponent <= 0) return `${minus}0.${'0'.repeat(-exponent)}${digits}`;
  if (exponent >= digits.length) return minus + digits + '0'.repeat(exponent - digits.length);
  return `${minus}${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
}

/** The number as DynamoDB gives it back: "1.0" → "1", "1E2" → "100". Throws ValidationException for what it refuses. */
export function normalizeNumber(text: string): string {
  if (SHORT_INTEGER.test(text)) return text;
  if (text === '') throw invalid('The parameter cannot be converted to a numeric value');
  return format(check(parse(text)));
}

function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.sign !== b.sign) return a.sign - b.sign;
  if (a.exponent !== b.exponent) return (a.exponent - b.exponent) * a.sign;
  if (a.digits === b.digits) return 0;
  return (a.digits < b.digits ? -1 : 1) * a.sign;
}

/** Numeric order of two normalized numbers: negative, 0 or positive. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length <= 15 && b.length <= 15 && SHORT_INTEGER.test(a) && SHORT_INTEGER.test(b)) return Number(a) - Number(b);
  return compareDecimals(parse(a), parse(b));
}

function toScaled({ sign, digits, exponent }: Decimal, scale: number): bigint {
  const shift = scale + exponent - digits.length;
  return BigInt(sign) * BigInt(digits || '0') * 10n ** BigInt(sign === 0 ? 0 : shift);
}

function sum(a: Decimal, b: Decimal): string {
  const scale = Math.max(0, a.digits.length - a.exponent, b.digits.length - b.exponent);
  const total = toScaled(a, scale) + toScaled(b, scale);
  return format(check(parse(`${total}E-${scale}`)));
}

/** a + b, exactly; throws when the sum has more digits than DynamoDB can keep. */
export function addNumbers(a: string, b: string): string {
  if (SHORT_INTEGER.test(a) && SHORT_INTEGER.test(b)) return String(Number(a) + Number(b));
  return sum(parse(a), parse(b));
}

/** a − b, exactly. */
export function subtractNumbers(a: string, b: string): string {
  const right = parse(b);
  return sum(parse(a), { ...right, sign: -right.sign as Decimal['sign'] });
}

/** A text that sorts by code unit as the numbers do, and is the same for equal numbers. */
export function numberOrderText(text: string): string {
  if (POSITIVE_SHORT_INTEGER.test(text)) return `2${text.length + 500}${trimZeros(text)}`;
  const { sign, digits, exponent } = parse(text);
  if (sign === 0) return '1';
  if (sign > 0) return `2${exponent + 500}${digits}`;
  let complement = '';
  for (const digit of digits) complement += 9 - Number(digit);
  return `0${500 - exponent}${complement}~`;
}

/** Bytes that a number takes: about one per two significant digits, and one (developer guide, item sizes and formats). */
export function numberSize(text: string): number {
  if (POSITIVE_SHORT_INTEGER.test(text)) {
    const count = trimZeros(text).length;
    return 1 + Math.ceil(count / 2) + (count % 2 === 1 || text.length % 2 === 0 ? 0 : 1);
  }
  const { sign, digits, exponent } = parse(text);
  if (sign === 0) return 1;
  const padding = digits.length % 2 === 1 || (exponent - 1) % 2 !== 0 ? 0 : 1;
  return 1 + Math.ceil(digits.length / 2) + padding + (sign < 0 ? 1 : 0);
}
