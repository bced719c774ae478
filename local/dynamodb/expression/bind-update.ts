import { type AttributeType, type AttributeValue, typeOf } from '../value/value.ts';
import { type Bindings, checkCount, needsPath, type Path, wrongType } from './bind.ts';
import { ExpressionError } from './lexer.ts';
import type { ParsedUpdate, Value } from './parse-update.ts';
import { checkPaths } from './paths.ts';
import type { Operand } from './syntax.ts';

/** What SET computes, with names and values put in. */
export type BoundValue =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'if_not_exists'; readonly path: Path; readonly otherwise: BoundValue }
  | { readonly kind: 'list_append' | '+' | '-'; readonly args: readonly [BoundValue, BoundValue] };

export type BoundAction =
  | { readonly kind: 'set'; readonly path: Path; readonly value: BoundValue }
  | { readonly kind: 'remove'; readonly path: Path }
  | { readonly kind: 'add' | 'delete'; readonly path: Path; readonly value: AttributeValue };

const LONG_NAMES: Partial<Record<AttributeType, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  NULL: 'NULL',
  BOOL: 'BOOLEAN',
  L: 'LIST',
  M: 'MAP',
};

/** ADD takes numbers and sets, DELETE sets. */
function checkActionType(kind: 'add' | 'delete', value: AttributeValue): void {
  const type = typeOf(value);
  const long = LONG_NAMES[type];
  if (long === undefined || (kind === 'add' && type === 'N')) return;
  const operator = kind.toUpperCase();
  throw new ExpressionError(
    `Incorrect operand type for operator or function; operator: ${operator}, operand type: ${long}, typeSet: ALLOWED_FOR_${operator}_OPERAND`,
  );
}

function staticTypeOf(value: BoundValue): AttributeType | undefined {
  if (value.kind === 'value') return typeOf(value.value);
  if (value.kind === 'list_append') return 'L';
  return undefined;
}

function checkArguments(operator: string, args: readonly BoundValue[], wanted: AttributeType): void {
  for (const arg of args) {
    const type = staticTypeOf(arg);
    if (type !== undefined && type !== wanted) throw wrongType(operator, type);
  }
}

/** Binds everything first, and only then checks types: an undefined name or value, or a clash of paths, is told before. */
class UpdateBinder {
  readonly #bindings: Bindings;
  readonly #later: (() => void)[] = [];

  constructor(bindings: Bindings) {
    this.#bindings = bindings;
  }

  bind(parsed: ParsedUpdate): readonly BoundAction[] {
    const paths = parsed.clauses.map((clause) => this.#bindings.path(clause.path));
    checkPaths(paths);
    const actions = parsed.clauses.map((clause, i): BoundAction => {
      const path = paths[i]!;
      if (clause.kind === 'remove') return { kind: 'remove', path };
      if (clause.kind === 'set') return { kind: 'set', path, value: this.#value(clause.value) };
      return { kind: clause.kind, path, value: this.#bindings.value(clause.value) };
    });
    for (const action of actions) {
      if (action.kind === 'add' || action.kind === 'delete') checkActionType(action.kind, action.value);
    }
    for (const check of this.#later) check();
    return actions;
  }

  #value(value: Value): BoundValue {
    if (value.kind === 'operand') return this.#operand(value.operand);
    const args = [this.#operand(value.args[0]), this.#operand(value.args[1])] as const;
    this.#later.push(() => checkArguments(value.kind, args, 'N'));
    return { kind: value.kind, args };
  }

  #operand(operand: Operand): BoundValue {
    if (operand.kind === 'path') return { kind: 'path', path: this.#bindings.path(operand.path) };
    if (operand.kind === 'value') return { kind: 'value', value: this.#bindings.value(operand.name) };
    const args = operand.args.map((arg) => this.#operand(arg));
    const [first, second] = args as unknown as readonly [BoundValue, BoundValue];
    this.#later.push(() => checkCount(operand.name, 2, args));
    if (operand.name === 'list_append') {
      this.#later.push(() => checkArguments('list_append', args, 'L'));
      return { kind: 'list_append', args: [first, second] };
    }
    this.#later.push(() => {
      if (first.kind !== 'path') throw needsPath('if_not_exists');
    });
    return { kind: 'if_not_exists', path: first.kind === 'path' ? first.path : [], otherwise: second };
  }
}

export function bindUpdate(parsed: ParsedUpdate, bindings: Bindings): readonly BoundAction[] {
  return new UpdateBinder(bindings).bind(parsed);
}
