import { invalid } from '../errors.ts';
import type { AttributeValue } from '../value/value.ts';
import type { BoundCondition, BoundOperand } from './bind.ts';

export type KeyOperator = '=' | '<' | '<=' | '>' | '>=' | 'between' | 'begins_with';

/** What a query asks of one attribute. */
export interface KeyRequirement {
  /** A KeyConditions parameter can name operators that no key can be asked for. */
  readonly operator: KeyOperator | 'unsupported';
  readonly values: readonly AttributeValue[];
}

export type KeyRequirements = ReadonlyMap<string, KeyRequirement>;

const MIRRORED: Readonly<Record<string, KeyOperator>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function notAllowed(operator: string): Error {
  return invalid(`Invalid operator used in KeyConditionExpression: ${operator}`);
}

function mustBeFirst(operator: string): never {
  throw invalid(
    `Invalid condition in KeyConditionExpression: ${operator} operator must have the key attribute as its first operand`,
  );
}

function nameIn(args: readonly BoundOperand[]): { readonly name: string; readonly at: number } {
  let found: { name: string; at: number } | undefined;
  args.forEach((arg, at) => {
    if ('size' in arg) throw invalid('KeyConditionExpressions cannot contain nested operations');
    if (!('path' in arg)) return;
    if (found !== undefined) {
      throw invalid('Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition');
    }
    if (arg.path.length > 1) throw invalid('KeyConditionExpressions cannot have conditions on nested attributes');
    found = { name: arg.path[0] as string, at };
  });
  if (found === undefined) throw invalid('Invalid condition in KeyConditionExpression: No key attribute specified');
  return found;
}

function collect(condition: BoundCondition, into: Map<string, KeyRequirement>): void {
  switch (condition.kind) {
    case 'and':
      collect(condition.left, into);
      collect(condition.right, into);
      return;
    case 'or':
    case 'not':
    case 'in':
      throw notAllowed(condition.kind.toUpperCase());
    case '<>':
    case 'attribute_exists':
    case 'attribute_not_exists':
    case 'attribute_type':
    case 'contains':
      throw notAllowed(condition.kind);
    default: {
      const first = condition.args[0]!;
      if ((condition.kind === 'between' || condition.kind === 'begins_with') && 'value' in first) {
        mustBeFirst(condition.kind === 'between' ? 'BETWEEN' : 'begins_with');
      }
      const { name, at } = nameIn(condition.args);
      if (into.has(name)) throw invalid('KeyConditionExpressions must only contain one condition per key');
      const values = condition.args.flatMap((arg) => ('value' in arg ? [arg.value] : []));
      into.set(name, { operator: at === 0 ? condition.kind : MIRRORED[condition.kind]!, values });
    }
  }
}

/** Reads a bound KeyConditionExpression as requirements on one or two attributes. */
export function toKeyRequirements(condition: BoundCondition): KeyRequirements {
  const requirements = new Map<string, KeyRequirement>();
  collect(condition, requirements);
  if (requirements.size > 2) throw invalid('Conditions can be of length 1 or 2 only');
  return requirements;
}
