import type { Json } from '../cloud.ts';
import { inexactNumber } from './exact-json.ts';
import { type AddressRange, addressToHex, inRange, parseCidr } from './ip-address.ts';

/** Judges one value of a field. Numbers that are no doubles arrive as marked strings (`exact-json.ts`). */
export type ValueTest = (value: Json) => boolean;

/** What a field must be: its value passes one of `tests`, or, when `absent`, it may be missing. */
export interface FieldTest {
  readonly absent: boolean;
  readonly test: ValueTest;
}

/** Thrown while a pattern is read; the message is the rule matcher's own. */
export class PatternProblem extends Error {}

/** The array of match values that stands for one field in a pattern. */
export function parseFieldTest(values: readonly Json[]): FieldTest {
  if (values.length === 0) throw new PatternProblem('Empty arrays are not allowed');
  const strings = new Set<Json>();
  const numbers = new Set<Json>();
  const tests: ValueTest[] = [];
  let absent = false;
  for (const value of values) {
    if (typeof value === 'string' && inexactNumber(value) === undefined) {
      const hex = addressToHex(value);
      // The same address may be written in several ways: it is compared as an address.
      if (hex === undefined) strings.add(value);
      else tests.push(addressTest({ bottom: hex, top: hex }));
    } else if (typeof value === 'object' && value !== null) {
      if (Array.isArray(value)) {
        throw new PatternProblem('Match value must be String, number, true, false, or null');
      }
      const parsed = parseExpression(value);
      if (parsed === 'absent') absent = true;
      else tests.push(parsed);
    } else {
      // -0 equals 0, as a Set and as the matcher see it.
      numbers.add(value);
    }
  }
  if (strings.size + numbers.size > 0) {
    const exact = new Set<Json>([...strings, ...numbers]);
    tests.unshift((value) => exact.has(value));
  }
  const [first, ...others] = tests;
  const test =
    first === undefined
      ? () => false
      : others.length === 0
        ? first
        : (value: Json) => {
            for (const one of tests) if (one(value)) return true;
            return false;
          };
  return { absent, test };
}

function parseExpression(expression: Record<string, Json>): ValueTest | 'absent' {
  const [name, ...more] = Object.keys(expression);
  if (name === undefined) throw new PatternProblem('Match expression name not found');
  const operand = expression[name];
  const parsed = parseOperator(name, operand);
  if (more.length > 0) {
    throw new PatternProblem(
      name === 'numeric' || name === 'anything-but'
        ? 'Too many elements in numeric expression'
        : 'Only one key allowed in match expression',
    );
  }
  return parsed;
}

function parseOperator(name: string, operand: Json): ValueTest | 'absent' {
  switch (name) {
    case 'exactly': {
      const text = requireString(operand, 'exact match pattern must be a string');
      return (value) => value === text;
    }
    case 'prefix':
      return affixTest(name, operand);
    case 'suffix':
      return affixTest(name, operand);
    case 'equals-ignore-case':
      return ignoreCaseTest(requireString(operand, 'equals-ignore-case match pattern must be a string'), '^', '$');
    case 'wildcard':
      return wildcardTest(requireString(operand, 'wildcard match pattern must be a string'));
    case 'cidr': {
      const text = requireString(operand, 'prefix match pattern must be a string');
      try {
        return addressTest(parseCidr(text));
      } catch (error) {
        throw new PatternProblem((error as Error).message);
      }
    }
    case 'numeric':
      return numericTest(operand);
    case 'exists':
      if (operand === true) return () => true;
      if (operand === false) return 'absent';
      throw new PatternProblem('exists match pattern must be either true or false.');
    case 'anything-but':
      return anythingButTest(operand);
    default:
      throw new PatternProblem(`Unrecognized match type ${name}`);
  }
}

function requireString(operand: Json, problem: string): string {
  if (typeof operand !== 'string' || inexactNumber(operand) !== undefined) throw new PatternProblem(problem);
  return operand;
}

const isText = (value: Json): value is string => typeof value === 'string' && inexactNumber(value) === undefined;

function affixTest(name: 'prefix' | 'suffix', operand: Json): ValueTest {
  if (typeof operand === 'object' && operand !== null && !Array.isArray(operand)) {
    const [inner, ...more] = Object.keys(operand);
    if (inner === undefined) throw new PatternProblem(`${name} expression name not found`);
    if (inner !== 'equals-ignore-case') throw new PatternProblem(`Unsupported ${name} pattern: ${inner}`);
    const text = requireString(operand[inner], 'equals-ignore-case match pattern must be a string');
    if (more.length > 0) throw new PatternProblem('Only one key allowed in match expression');
    return name === 'prefix' ? ignoreCaseTest(text, '^', '') : ignoreCaseTest(text, '', '$');
  }
  return affix(name, requireString(operand, `${name} match pattern must be a string`));
}

function affix(name: 'prefix' | 'suffix', text: string): ValueTest {
  if (name === 'prefix') return (value) => isText(value) && value.startsWith(text);
  return (value) => isText(value) && value.endsWith(text);
}

/**
 * AWS's matcher takes each UTF-16 unit of the pattern in its lower and its upper form, nothing else: a pattern's ß
 * matches SS but not ss, a Kelvin sign matches k but not K, and a half of a surrogate pair is the byte `?`.
 */
function ignoreCaseTest(text: string, start: string, end: string): ValueTest {
  const units = Array.from({ length: text.length }, (_, i) => {
    const unit = text[i]!;
    if (/[\ud800-\udfff]/.test(unit)) return '\\?';
    const forms = new Set([unit.toLowerCase(), unit.toUpperCase()]);
    return forms.size === 1 ? escaped([...forms][0]!) : `(?:${[...forms].map(escaped).join('|')})`;
  });
  const pattern = new RegExp(`${start}${units.join('')}${end}`);
  return (value) => isText(value) && pattern.test(value);
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** `*` is any run of characters, also an empty one; `\*` and `\\` are the characters themselves. */
function wildcardTest(text: string): ValueTest {
  const pieces: string[] = [''];
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '*') {
      if (text[i + 1] === '*') throw new PatternProblem(`Consecutive wildcard characters at pos ${i + 1}`);
      pieces.push('');
    } else if (character === '\\') {
      const next = text[i + 1];
      if (next !== '*' && next !== '\\') throw new PatternProblem(`Invalid escape character at pos ${i + 1}`);
      pieces[pieces.length - 1] += next;
      i++;
    } else {
      pieces[pieces.length - 1] += character;
    }
  }
  if (pieces.length === 1) return (value) => value === pieces[0];
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const middle = pieces.slice(1, -1);
  // Leftmost placement of each piece is enough, so this never backtracks.
  return (value) => {
    if (!isText(value) || value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    let from = first.length;
    const end = value.length - last.length;
    for (const piece of middle) {
      const at = value.indexOf(piece, from);
      if (at < 0 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return from <= end;
  };
}

function addressTest(range: AddressRange): ValueTest {
  return (value) => {
    // Seen in AWS's matcher: the text of a number can lie in a range of addresses too.
    if (typeof value === 'number') return inRange(String(value), range);
    if (typeof value !== 'string') return false;
    const hex = inexactNumber(value) ?? addressToHex(value);
    return hex !== undefined && inRange(hex, range);
  };
}

function numericTest(operand: Json): ValueTest {
  if (!Array.isArray(operand)) throw new PatternProblem('Value of numeric must be an array.');
  const [operator, bound, second, top, ...more] = operand;
  if (!isText(operator)) throw new PatternProblem(`Invalid member in numeric match: ${operator ?? ']'}`);
  if (!['=', '<', '<=', '>', '>='].includes(operator)) {
    throw new PatternProblem(`Unrecognized numeric range operator: ${operator}`);
  }
  const lower = requireNumber(bound, operator === '=' ? 'equals' : operator);
  if (operand.length === 2) return compare(operator, lower);
  if (operator !== '>' && operator !== '>=') throw new PatternProblem('Too many elements in numeric expression');
  if (!isText(second)) throw new PatternProblem(`Bad value in numeric range: ${second}`);
  if (second !== '<' && second !== '<=') throw new PatternProblem(`Bad numeric range operator: ${second}`);
  const upper = requireNumber(top, second);
  if (more.length > 0) throw new PatternProblem('Too many terms in numeric range expression');
  if (lower >= upper) throw new PatternProblem('Bottom must be less than top');
  const above = compare(operator, lower);
  const below = compare(second, upper);
  return (value) => above(value) && below(value);
}

function requireNumber(value: Json, what: string): number {
  if (typeof value === 'number') return value;
  const text = typeof value === 'string' ? inexactNumber(value) : undefined;
  if (text !== undefined) throw new PatternProblem(`Cannot compare number : ${text}`);
  throw new PatternProblem(`Value of ${what} must be numeric`);
}

function compare(operator: string, bound: number): ValueTest {
  switch (operator) {
    case '=':
      return (value) => value === bound;
    case '<':
      return (value) => typeof value === 'number' && value < bound;
    case '<=':
      return (value) => typeof value === 'number' && value <= bound;
    case '>':
      return (value) => typeof value === 'number' && value > bound;
    default:
      return (value) => typeof value === 'number' && value >= bound;
  }
}

function anythingButTest(operand: Json): ValueTest {
  if (Array.isArray(operand)) {
    for (const value of operand) {
      if (typeof value !== 'string' && typeof value !== 'number') {
        throw new PatternProblem('Inside anything but list, start|null|boolean is not supported.');
      }
      requireComparable(value);
    }
    const kinds = new Set(operand.map((value) => typeof value));
    if (kinds.size !== 1) {
      throw new PatternProblem(
        'Inside anything but list, either all values are number or string, mixed type is not supported',
      );
    }
    const refused = new Set(operand);
    return (value) => !refused.has(value);
  }
  if (typeof operand === 'object' && operand !== null) return anythingButExpression(operand);
  if (typeof operand !== 'string' && typeof operand !== 'number') {
    throw new PatternProblem('Value of anything-but must be an array or single string/number value.');
  }
  requireComparable(operand);
  return (value) => value !== operand;
}

function requireComparable(value: Json): void {
  const text = typeof value === 'string' ? inexactNumber(value) : undefined;
  if (text !== undefined) throw new PatternProblem(`Cannot compare number : ${text}`);
}

function anythingButExpression(operand: Record<string, Json>): ValueTest {
  const [name, ...more] = Object.keys(operand);
  if (name === undefined) throw new PatternProblem('Anything-But expression name not found');
  const one = anythingButOperators[name];
  if (one === undefined) throw new PatternProblem(`Unsupported anything-but pattern: ${name}`);
  const inner = operand[name];
  if (typeof inner === 'object' && !Array.isArray(inner)) {
    throw new PatternProblem('Value of anything-but must be an array or single string/number value.');
  }
  const list = Array.isArray(inner) ? inner : [inner];
  if (list.length === 0) throw new PatternProblem('Empty arrays are not allowed');
  const refused = list.map((value) => one(value));
  if (more.length > 0) throw new PatternProblem('Only one key allowed in match expression');
  return (value) => {
    for (const test of refused) if (test(value)) return false;
    return true;
  };
}

const refusedAffix = (name: 'prefix' | 'suffix') => (value: Json) => {
  const text = requireString(value, 'prefix/suffix match pattern must be a string');
  if (text === '') throw new PatternProblem('Null prefix/suffix not allowed');
  return affix(name, text);
};

const anythingButOperators: Record<string, ((value: Json) => ValueTest) | undefined> = {
  prefix: refusedAffix('prefix'),
  suffix: refusedAffix('suffix'),
  'equals-ignore-case': (value) =>
    ignoreCaseTest(
      requireString(value, 'Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.'),
      '^',
      '$',
    ),
  wildcard: (value) => wildcardTest(requireString(value, 'wildcard match pattern must be a string')),
};
