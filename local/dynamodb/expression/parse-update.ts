import { Tokens } from './lexer.ts';
import { checkLength, Faults, type Operand, parseOperand, parsePath, REDUNDANT, type WrittenPath } from './syntax.ts';

/** What SET gives a path: an operand, or the sum or difference of two. */
export type Value =
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: '+' | '-'; readonly args: readonly [Operand, Operand] };

export type Clause =
  | { readonly kind: 'set'; readonly path: WrittenPath; readonly value: Value }
  | { readonly kind: 'remove'; readonly path: WrittenPath }
  | { readonly kind: 'add' | 'delete'; readonly path: WrittenPath; readonly value: string };

export interface ParsedUpdate {
  readonly clauses: readonly Clause[];
  readonly fault: string | undefined;
}

const UPDATE_FUNCTIONS: ReadonlySet<string> = new Set(['if_not_exists', 'list_append']);
const OTHER_FUNCTIONS: ReadonlySet<string> = new Set([
  'attribute_exists',
  'attribute_not_exists',
  'attribute_type',
  'begins_with',
  'contains',
  'size',
]);

function checkFunctions(operand: Operand, faults: Faults, inArithmetic: boolean): void {
  if (operand.kind !== 'call') return;
  if (OTHER_FUNCTIONS.has(operand.name)) {
    faults.add('misuse', `The function is not allowed in an update expression; function: ${operand.name}`);
  } else if (!UPDATE_FUNCTIONS.has(operand.name)) {
    faults.add('function', `Invalid function name; function: ${operand.name}`);
  } else if (inArithmetic && operand.name === 'list_append') {
    faults.add('misuse', 'The function is not allowed to be used this way in an expression; function: list_append');
  }
  for (const arg of operand.args) checkFunctions(arg, faults, false);
}

function parseSum(tokens: Tokens, faults: Faults): Value {
  const left = parseOperand(tokens, faults);
  for (const kind of ['+', '-'] as const) {
    if (!tokens.take(kind)) continue;
    faults.countOperator();
    const args = [left, parseOperand(tokens, faults)] as const;
    for (const arg of args) checkFunctions(arg, faults, true);
    return { kind, args };
  }
  checkFunctions(left, faults, false);
  return { kind: 'operand', operand: left };
}

function parseValue(tokens: Tokens, faults: Faults): Value {
  if (!tokens.sees('(')) return parseSum(tokens, faults);
  const { after, doubled } = tokens.parentheses();
  if (after.kind === 'symbol' && (after.text === '+' || after.text === '-')) return parseSum(tokens, faults);
  if (doubled) faults.add('parentheses', REDUNDANT);
  tokens.next();
  const value = parseValue(tokens, faults);
  tokens.expect(')');
  return value;
}

function parseClause(kind: Clause['kind'], tokens: Tokens, faults: Faults): Clause {
  const path = parsePath(tokens, faults);
  if (kind === 'remove') return { kind, path };
  if (kind === 'set') {
    tokens.expect('=');
    return { kind, path, value: parseValue(tokens, faults) };
  }
  if (tokens.peek().kind !== 'value') throw tokens.unexpected();
  return { kind, path, value: tokens.next().text };
}

/** Parses an UpdateExpression. Throws ExpressionError for a syntax error. */
export function parseUpdate(source: string): ParsedUpdate {
  checkLength(source);
  const tokens = new Tokens(source);
  const faults = new Faults();
  const clauses: Clause[] = [];
  const seen = new Set<string>();
  do {
    const kind = (['set', 'remove', 'add', 'delete'] as const).find((section) => tokens.take(section.toUpperCase()));
    if (kind === undefined) throw tokens.unexpected();
    const section = kind.toUpperCase();
    if (seen.has(section)) {
      faults.add('section', `The "${section}" section can only be used once in an update expression;`);
    }
    seen.add(section);
    do {
      clauses.push(parseClause(kind, tokens, faults));
    } while (tokens.take(','));
  } while (tokens.peek().kind !== 'end');
  return { clauses, fault: faults.first(['parentheses', 'reserved', 'function', 'misuse', 'section']) };
}
