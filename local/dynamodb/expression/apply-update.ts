import { invalid } from '../errors.ts';
import { addNumbers, subtractNumbers } from '../value/number.ts';
import { sortMembers } from '../value/order.ts';
import { type AttributeValue, copyItem, type Item } from '../value/value.ts';
import { type Path, valueAt } from './bind.ts';
import type { BoundAction, BoundValue } from './bind-update.ts';

const WRONG_OPERAND = 'An operand in the update expression has an incorrect data type';
const NO_ATTRIBUTE = 'The provided expression refers to an attribute that does not exist in the item';
const NO_PATH = 'The document path provided in the update expression is invalid for update';

function compute(value: BoundValue, item: Item): AttributeValue {
  switch (value.kind) {
    case 'value':
      return value.value;
    case 'path': {
      const found = valueAt(value.path, item);
      if (found === undefined) throw invalid(NO_ATTRIBUTE);
      return found;
    }
    case 'if_not_exists':
      return valueAt(value.path, item) ?? compute(value.otherwise, item);
    default: {
      const left = compute(value.args[0], item);
      const right = compute(value.args[1], item);
      if (value.kind === 'list_append') {
        if (left.L === undefined || right.L === undefined) throw invalid(WRONG_OPERAND);
        return { L: [...left.L, ...right.L] };
      }
      if (left.N === undefined || right.N === undefined) throw invalid(WRONG_OPERAND);
      return { N: value.kind === '+' ? addNumbers(left.N, right.N) : subtractNumbers(left.N, right.N) };
    }
  }
}

const SETS = ['SS', 'NS', 'BS'] as const;

function added(old: AttributeValue | undefined, value: AttributeValue, mismatch: string): AttributeValue {
  if (value.N !== undefined) {
    if (old === undefined) return value;
    if (old.N === undefined) throw invalid(mismatch);
    return { N: addNumbers(old.N, value.N) };
  }
  // Only the legacy AttributeUpdates can add to a list.
  if (value.L !== undefined) {
    if (old !== undefined && old.L === undefined) throw invalid(mismatch);
    return { L: [...(old?.L ?? []), ...value.L] };
  }
  const type = SETS.find((set) => value[set] !== undefined)!;
  if (old === undefined) return value;
  if (old[type] === undefined) throw invalid(mismatch);
  return { [type]: sortMembers(type, [...new Set([...old[type], ...value[type]!])]) };
}

function subtracted(old: AttributeValue, value: AttributeValue, mismatch: string): AttributeValue | undefined {
  const type = SETS.find((set) => value[set] !== undefined)!;
  if (old[type] === undefined) throw invalid(mismatch);
  const gone = new Set(value[type]);
  const left = old[type].filter((member) => !gone.has(member));
  return left.length === 0 ? undefined : { [type]: left };
}

type MutableList = (AttributeValue | undefined)[];
type Container = Item | MutableList;

/** An item being changed: containers on the way to a change are copied once, the rest is shared with the old item. */
class Draft {
  readonly item: Item;
  readonly #lists = new Set<MutableList>();
  readonly #owned = new Set<unknown>();

  constructor(old: Item) {
    this.item = copyItem(old);
  }

  /** The map or list that holds the path's last part, ready to be changed. */
  parent(path: Path): Container {
    let container: Container = this.item;
    for (let i = 0; i < path.length - 1; i++) {
      const held = this.#child(container, path[i]!);
      const next = path[i + 1]!;
      const inner = typeof next === 'number' ? held?.L : held?.M;
      if (inner === undefined) throw invalid(NO_PATH);
      if (this.#owned.has(inner)) {
        container = inner as Container;
        continue;
      }
      const copy: Container = typeof next === 'number' ? [...(inner as MutableList)] : copyItem(inner as Item);
      this.#owned.add(copy);
      if (typeof next === 'number') this.#lists.add(copy as MutableList);
      this.#put(container, path[i]!, (typeof next === 'number' ? { L: copy } : { M: copy }) as AttributeValue);
      container = copy;
    }
    return container;
  }

  #child(container: Container, part: string | number): AttributeValue | undefined {
    return typeof part === 'number' ? (container as MutableList)[part] : (container as Item)[part];
  }

  #put(container: Container, part: string | number, value: AttributeValue): void {
    if (typeof part === 'number') (container as MutableList)[part] = value;
    else (container as Item)[part] = value;
  }

  set(path: Path, value: AttributeValue): void {
    this.#put(this.parent(path), path[path.length - 1]!, value);
  }

  remove(path: Path): void {
    const container = this.parent(path);
    const last = path[path.length - 1]!;
    if (typeof last !== 'number') delete (container as Item)[last];
    else if (last < (container as MutableList).length) (container as MutableList)[last] = undefined;
  }

  /** Positions count as they were before the update; what was removed, or set far behind the end, closes up now. */
  finish(): Item {
    for (const list of this.#lists) {
      let kept = 0;
      for (let i = 0; i < list.length; i++) {
        const member = list[i];
        if (member !== undefined) list[kept++] = member;
      }
      list.length = kept;
    }
    return this.item;
  }
}

/**
 * The item after the actions; all of them see it as it was before. Throws ValidationException when an operand or a path
 * does not fit the item. `mismatch` is the text for an attribute of a wrong type.
 */
export function applyUpdate(old: Item, actions: readonly BoundAction[], mismatch: string = WRONG_OPERAND): Item {
  const values = actions.map((action) => {
    switch (action.kind) {
      case 'set':
        return compute(action.value, old);
      case 'add':
        return added(valueAt(action.path, old), action.value, mismatch);
      case 'delete': {
        const before = valueAt(action.path, old);
        return before === undefined ? undefined : subtracted(before, action.value, mismatch);
      }
      default:
        return undefined;
    }
  });
  const draft = new Draft(old);
  actions.forEach((action, i) => {
    const value = values[i];
    if (value !== undefined) draft.set(action.path, value);
    else draft.remove(action.path);
  });
  return draft.finish();
}
