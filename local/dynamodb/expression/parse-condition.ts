import { type Token, Tokens } from './lexer.ts';
import {
  type Comparator,
  type Condition,
  checkInLength,
  checkLength,
  Faults,
  type Operand,
  parseOperand,
  parseOperands,
  REDUNDANT,
} from './syntax.ts';

const COMPARATORS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
const CONDITION_FUNCTIONS: ReadonlySet<string> = new Set([
  'attribute_exists',
  'attribute_not_exists',
  'attribute_type',
  'begins_with',
  'contains',
]);

const UPDATE_FUNCTIONS: ReadonlySet<string> = new Set(['if_not_exists', 'list_append']);

/** What stands behind a parenthesis that holds an operand, not a condition. */
function endsOperand({ kind, text }: Token): boolean {
  if (kind === 'symbol') return COMPARATORS.has(text);
  return kind === 'name' && ['BETWEEN', 'IN'].includes(text.toUpperCase());
}

type Simple = Extract<Condition, { readonly args: readonly Operand[] }>;

class ConditionParser {
  readonly #tokens: Tokens;
  readonly #faults: Faults;

  constructor(tokens: Tokens, faults: Faults) {
    this.#tokens = tokens;
    this.#faults = faults;
  }

  parse(): Condition {
    const condition = this.#or();
    if (this.#tokens.peek().kind !== 'end') throw this.#tokens.unexpected();
    return condition;
  }

  #or(): Condition {
    let left = this.#and();
    while (this.#tokens.take('OR')) {
      this.#faults.countOperator();
      left = { kind: 'or', left, right: this.#and() };
    }
    return left;
  }

  #and(): Condition {
    let left = this.#not();
    while (this.#tokens.take('AND')) {
      this.#faults.countOperator();
      left = { kind: 'and', left, right: this.#not() };
    }
    return left;
  }

  #not(): Condition {
    if (!this.#tokens.take('NOT')) return this.#primary();
    this.#faults.countOperator();
    return { kind: 'not', condition: this.#not() };
  }

  #primary(): Condition {
    if (!this.#tokens.sees('(')) return this.#comparison();
    const { after, doubled } = this.#tokens.parentheses();
    if (endsOperand(after)) return this.#comparison();
    if (doubled) this.#faults.add('parentheses', REDUNDANT);
    this.#tokens.next();
    const condition = this.#or();
    this.#tokens.expect(')');
    return condition;
  }

  #comparison(): Condition {
    const left = parseOperand(this.#tokens, this.#faults);
    const token = this.#tokens.peek();
    if (token.kind === 'symbol' && COMPARATORS.has(token.text)) {
      this.#tokens.next();
      this.#faults.countOperator();
      const right = parseOperand(this.#tokens, this.#faults);
      return this.#checked({ kind: 'compare', operator: token.text as Comparator, args: [left, right] });
    }
    if (this.#tokens.take('BETWEEN')) {
      this.#faults.countOperator();
      const low = parseOperand(this.#tokens, this.#faults);
      this.#tokens.expect('AND');
      return this.#checked({ kind: 'between', args: [left, low, parseOperand(this.#tokens, this.#faults)] });
    }
    if (this.#tokens.take('IN')) {
      this.#faults.countOperator();
      this.#tokens.expect('(');
      const args = [left, ...parseOperands(this.#tokens, this.#faults)];
      checkInLength(args);
      return this.#checked({ kind: 'in', args });
    }
    if (left.kind !== 'call') throw this.#tokens.unexpected();
    if (left.name === 'size') {
      this.#misused('size');
    } else if (!CONDITION_FUNCTIONS.has(left.name)) {
      this.#unknown(left.name);
    }
    return this.#checked({ kind: 'call', name: left.name, args: left.args });
  }

  #unknown(name: string): void {
    if (!UPDATE_FUNCTIONS.has(name)) this.#faults.add('function', `Invalid function name; function: ${name}`);
    else this.#faults.add('misuse', `The function is not allowed in a condition expression; function: ${name}`);
  }

  #misused(name: string): void {
    this.#faults.add('misuse', `The function is not allowed to be used this way in an expression; function: ${name}`);
  }

  /** Only `size` gives something that a condition can work with. */
  #checked(condition: Simple): Simple {
    const check = (operand: Operand) => {
      if (operand.kind !== 'call') return;
      if (operand.name !== 'size') {
        if (CONDITION_FUNCTIONS.has(operand.name)) this.#misused(operand.name);
        else this.#unknown(operand.name);
      }
      operand.args.forEach(check);
    };
    condition.args.forEach(check);
    return condition;
  }
}

export interface ParsedCondition {
  readonly condition: Condition;
  /** A fault that shows without names and values. */
  readonly fault: string | undefined;
}

/** Parses a condition, filter or key condition. Throws ExpressionError for a syntax error. */
export function parseCondition(source: string): ParsedCondition {
  checkLength(source);
  const faults = new Faults();
  const condition = new ConditionParser(new Tokens(source), faults).parse();
  return { condition, fault: faults.first(['parentheses', 'function', 'misuse', 'reserved']) };
}
