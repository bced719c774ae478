import type { Json } from '../cloud.ts';

/**
 * Numbers that a double cannot hold exactly. The rule matcher compares such a number by its text, so the text must
 * survive `JSON.parse`: it travels as a string behind a mark that no event carries.
 */
const MARK = '\u0000number:';

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const SUSPICIOUS = /\d[\d.]{15}|\d[eE]/;

/** `JSON.parse`, except that a number which is no double stays a text that only the pattern matcher understands. */
export function parseExact(text: string): Json {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text);
  return JSON.parse(
    text.replace(TOKENS, (token) =>
      token.startsWith('"') || isExact(token) ? token : JSON.stringify(`${MARK}${token}`),
    ),
  );
}

/** The text of a number that is no double, or undefined for every ordinary string. */
export function inexactNumber(value: string): string | undefined {
  return value.startsWith(MARK) ? value.slice(MARK.length) : undefined;
}

/** Does the shortest text of the double mean the same number? */
function isExact(literal: string): boolean {
  const value = Number(literal);
  return Number.isFinite(value) && normalized(literal) === normalized(String(value));
}

/** Digits without leading and trailing zeros, and the power of ten behind them. */
function normalized(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}
