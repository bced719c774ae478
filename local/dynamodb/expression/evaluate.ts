import { beginsWith, compareValues, containsValue, sameValue } from '../value/compare.ts';
import { valueSize } from '../value/size.ts';
import type { AttributeValue, Item } from '../value/value.ts';
import { type BoundCondition, type BoundOperand, valueAt } from './bind.ts';

/** `size`: characters of a string (UTF-16 units, as DynamoDB Local counts), bytes of a binary, members of the rest. */
function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  if (value === undefined) return undefined;
  if (value.S !== undefined) return { N: String(value.S.length) };
  if (value.B !== undefined) return { N: String(valueSize(value)) };
  const members = value.SS ?? value.NS ?? value.BS ?? value.L;
  if (members !== undefined) return { N: String(members.length) };
  if (value.M !== undefined) return { N: String(Object.keys(value.M).length) };
  return undefined;
}

function resolve(operand: BoundOperand, item: Item): AttributeValue | undefined {
  if ('path' in operand) return valueAt(operand.path, item);
  if ('value' in operand) return operand.value;
  return sizeOf(resolve(operand.size, item));
}

function compare(kind: string, left: AttributeValue, right: AttributeValue): boolean {
  const order = compareValues(left, right);
  if (order === undefined) return false;
  switch (kind) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

/** Does the item (an empty one, when there is none) meet the condition? */
export function matches(condition: BoundCondition, item: Item): boolean {
  switch (condition.kind) {
    case 'and':
      return matches(condition.left, item) && matches(condition.right, item);
    case 'or':
      return matches(condition.left, item) || matches(condition.right, item);
    case 'not':
      return !matches(condition.condition, item);
    case 'attribute_exists':
      return resolve(condition.args[0]!, item) !== undefined;
    case 'attribute_not_exists':
      return resolve(condition.args[0]!, item) === undefined;
    default: {
      const [first, ...others] = condition.args.map((arg) => resolve(arg, item));
      const second = others[0];
      // `<>` holds when one side is missing or of another type; every other comparison needs both sides.
      if (condition.kind === '<>') return first === undefined || second === undefined || !sameValue(first, second);
      if (first === undefined) return false;
      if (condition.kind === 'in') return others.some((other) => other !== undefined && sameValue(first, other));
      if (second === undefined) return false;
      switch (condition.kind) {
        case '=':
          return sameValue(first, second);
        case 'between': {
          const third = others[1];
          return compare('>=', first, second) && third !== undefined && compare('<=', first, third);
        }
        case 'attribute_type':
          return second.S !== undefined && first[second.S as keyof AttributeValue] !== undefined;
        case 'begins_with':
          return beginsWith(first, second);
        case 'contains':
          return containsValue(first, second);
        default:
          return compare(condition.kind, first, second);
      }
    }
  }
}
