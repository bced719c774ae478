import { ExpressionError, type Tokens } from './lexer.ts';
import { isReserved } from './reserved-words.ts';

/** A path as it is written: names, `#placeholders` and list positions. */
export type WrittenPath = readonly (string | number)[];

export type Operand =
  | { readonly kind: 'path'; readonly path: WrittenPath }
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Operand[] };

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'compare'; readonly operator: Comparator; readonly args: readonly [Operand, Operand] }
  | { readonly kind: 'between'; readonly args: readonly [Operand, Operand, Operand] }
  | { readonly kind: 'in'; readonly args: readonly Operand[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Operand[] };

/** Faults that do not hang on names or values; AWS reports the most important one, whatever comes first in the text. */
export type FaultRank = 'parentheses' | 'function' | 'misuse' | 'reserved' | 'section';

export const REDUNDANT = 'The expression has redundant parentheses;';

const MAX_BYTES = 4096; // "The maximum length of any expression string is 4 KB" (developer guide, quotas)
/** "The maximum number of operators or functions allowed in an UpdateExpression is 300. For example, the UpdateExpression SET a = :val1 + :val2 + :val3 contains two operators." */
const MAX_OPERATORS = 300;
const MAX_DEPTH = 32; // "The maximum depth for a document path is 32"
const MAX_IN = 100; // "The IN operator … up to 100 values"

/** What parsing collects besides the tree. */
export class Faults {
  readonly #found = new Map<FaultRank, string>();
  #operators = 0;

  add(rank: FaultRank, text: string): void {
    if (!this.#found.has(rank)) this.#found.set(rank, text);
  }

  countOperator(): void {
    this.#operators++;
    if (this.#operators > MAX_OPERATORS) {
      throw new ExpressionError(`The expression contains too many operators; operator count: ${this.#operators}`);
    }
  }

  first(order: readonly FaultRank[]): string | undefined {
    for (const rank of order) {
      const text = this.#found.get(rank);
      if (text !== undefined) return text;
    }
    return undefined;
  }
}

export function checkLength(source: string): void {
  if (source === '') throw new ExpressionError('The expression can not be empty;');
  const size = Buffer.byteLength(source);
  if (size > MAX_BYTES) {
    throw new ExpressionError(`Expression size has exceeded the maximum allowed size; expression size: ${size}`);
  }
}

const KEYWORDS = new Set(['AND', 'OR', 'NOT', 'BETWEEN', 'IN', 'SET', 'REMOVE', 'ADD', 'DELETE']);

function isIdentifier(tokens: Tokens): boolean {
  const token = tokens.peek();
  return token.kind === 'placeholder' || (token.kind === 'name' && !KEYWORDS.has(token.text.toUpperCase()));
}

export function parsePath(tokens: Tokens, faults: Faults): WrittenPath {
  const path: (string | number)[] = [];
  do {
    if (!isIdentifier(tokens)) throw tokens.unexpected();
    const { text } = tokens.next();
    if (isReserved(text)) {
      faults.add('reserved', `Attribute name is a reserved keyword; reserved keyword: ${text}`);
    }
    path.push(text);
    while (tokens.take('[')) {
      if (tokens.peek().kind !== 'number') throw tokens.unexpected();
      path.push(Number(tokens.next().text));
      tokens.expect(']');
    }
  } while (tokens.take('.'));
  if (path.length > MAX_DEPTH) {
    throw new ExpressionError(`The document path has too many nesting levels; nesting levels: ${path.length}`);
  }
  return path;
}

export function parseOperands(tokens: Tokens, faults: Faults): readonly Operand[] {
  const operands: Operand[] = [];
  do operands.push(parseOperand(tokens, faults));
  while (tokens.take(','));
  tokens.expect(')');
  return operands;
}

/** A path, a value, a function's result, or one of these in parentheses. */
export function parseOperand(tokens: Tokens, faults: Faults): Operand {
  const token = tokens.peek();
  if (token.kind === 'value') return { kind: 'value', name: tokens.next().text };
  if (tokens.sees('(')) {
    if (tokens.parentheses().doubled) faults.add('parentheses', REDUNDANT);
    tokens.next();
    const operand = parseOperand(tokens, faults);
    tokens.expect(')');
    return operand;
  }
  const after = tokens.peek(1);
  if (token.kind === 'name' && isIdentifier(tokens) && after.kind === 'symbol' && after.text === '(') {
    tokens.next();
    tokens.next();
    faults.countOperator();
    return { kind: 'call', name: token.text, args: parseOperands(tokens, faults) };
  }
  return { kind: 'path', path: parsePath(tokens, faults) };
}

export function checkInLength(args: readonly Operand[]): void {
  if (args.length - 1 > MAX_IN) {
    throw new ExpressionError(
      `The IN operator is provided with too many operands; number of operands: ${args.length - 1}`,
    );
  }
}
