import { type AttributeValue, type Item, newItem } from '../value/value.ts';
import { type Path, pathText } from './bind.ts';
import { ExpressionError } from './lexer.ts';

function relation(one: Path, two: Path): 'overlap' | 'conflict' | undefined {
  for (let i = 0; i < one.length && i < two.length; i++) {
    if (typeof one[i] !== typeof two[i]) return 'conflict';
    if (one[i] !== two[i]) return undefined;
  }
  return 'overlap';
}

/** No path of an update or a projection may hold another, nor use as a map what another uses as a list. */
export function checkPaths(paths: readonly Path[]): void {
  if (paths.length < 2) return;
  const byHead = new Map<string | number, Path[]>();
  let conflict: string | undefined;
  for (const two of paths) {
    const others = byHead.get(two[0]!) ?? [];
    for (const one of others) {
      const found = relation(one, two);
      const which = `must remove or rewrite one of these paths; path one: ${pathText(one)}, path two: ${pathText(two)}`;
      if (found === 'overlap') throw new ExpressionError(`Two document paths overlap with each other; ${which}`);
      if (found === 'conflict') conflict ??= `Two document paths conflict with each other; ${which}`;
    }
    others.push(two);
    byHead.set(two[0]!, others);
  }
  if (conflict !== undefined) throw new ExpressionError(conflict);
}

/** What a projection keeps: everything below a node without children. */
interface Node {
  readonly children: Map<string | number, Node>;
}

function toTree(paths: readonly Path[]): Node {
  const root: Node = { children: new Map() };
  for (const path of paths) {
    let node = root;
    for (const part of path) {
      let child = node.children.get(part);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
  }
  return root;
}

function projectValue(value: AttributeValue, node: Node): AttributeValue | undefined {
  if (node.children.size === 0) return value;
  if (value.M !== undefined) {
    const kept = projectMap(value.M, node);
    for (const _ in kept) return { M: kept };
    return undefined;
  }
  if (value.L === undefined) return undefined;
  const kept: AttributeValue[] = [];
  for (const index of [...node.children.keys()].sort((a, b) => Number(a) - Number(b))) {
    const member = typeof index === 'number' ? value.L[index] : undefined;
    const projected = member === undefined ? undefined : projectValue(member, node.children.get(index)!);
    if (projected !== undefined) kept.push(projected);
  }
  return kept.length === 0 ? undefined : { L: kept };
}

function projectMap(map: Item, node: Node): Item {
  const kept = newItem();
  for (const [name, child] of node.children) {
    const value = typeof name === 'string' ? map[name] : undefined;
    const projected = value === undefined ? undefined : projectValue(value, child);
    if (projected !== undefined) kept[name] = projected;
  }
  return kept;
}

/** Only these paths of the item; positions that lists lose close up. */
export function projectItem(item: Item, paths: readonly Path[]): Item {
  return projectMap(item, toTree(paths));
}
