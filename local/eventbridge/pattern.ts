import { type Json, ServiceError } from '../cloud.ts';
import { parseExact } from './exact-json.ts';
import { type FieldTest, PatternProblem, parseFieldTest } from './value-matcher.ts';

/**
 * Event patterns as AWS's own rule matcher reads them (github.com/aws/event-ruler, "Ruler by Example", "JSON Array
 * Matching"): compiled once, then a plain function of the parsed event.
 *
 * @example
 * const matches = compilePattern({ source: ['daybook'], detail: { data: { amount: [{ numeric: ['>', 100] }] } } });
 * matches({ source: 'daybook', detail: { data: { amount: 250 } } }); // true
 */
export function compilePattern(pattern: Json): (event: Json) => boolean {
  try {
    return compile(typeof pattern === 'string' ? parseText(pattern) : parseExact(JSON.stringify(pattern)));
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    throw new ServiceError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${error.message}`);
  }
}

function parseText(text: string): Json {
  try {
    return parseExact(text);
  } catch (error) {
    throw new PatternProblem((error as Error).message);
  }
}

/** One way to satisfy the pattern: every named field passes its test. `$or` makes several of them. */
type Alternative = Map<string, FieldTest>;

// "Ruler reserved fieldName which cannot be used inside $or."
const RESERVED_IN_OR = new Set(
  `exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard
  not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range ip-address-in-range
  ip-address-not-in-range`.split(/\s+/),
);

/** "Event patterns with more than 1,000 rule combinations" are refused, so that `$or` cannot blow up. */
const MAX_COMBINATIONS = 1000;

function readObject(alternatives: Alternative[], path: string, object: Json, insideOr: boolean): Alternative[] {
  const entries = Object.entries(object);
  if (entries.length === 0) throw new PatternProblem('Empty objects are not allowed');
  let current = alternatives;
  for (const [name, value] of entries) {
    if (name === '$or') {
      current = readOr(current, path, value);
      continue;
    }
    if (insideOr && RESERVED_IN_OR.has(name)) {
      throw new PatternProblem(`${name} is Ruler reserved fieldName which cannot be used inside $or.`);
    }
    const field = path === '' ? name : `${path}.${name}`;
    if (Array.isArray(value)) {
      const test = parseFieldTest(value);
      if (current.length === 0) current = [new Map()];
      for (const alternative of current) alternative.set(field, test);
    } else if (typeof value === 'object' && value !== null) {
      current = readObject(current, field, value, insideOr);
    } else {
      throw new PatternProblem(`"${name}" must be an object or an array`);
    }
  }
  return current;
}

function readOr(alternatives: Alternative[], path: string, branches: Json): Alternative[] {
  if (!Array.isArray(branches)) throw new PatternProblem('It must be an Array followed with $or.');
  const forked: Alternative[] = [];
  for (const branch of branches) {
    if (typeof branch !== 'object' || branch === null || Array.isArray(branch)) {
      throw new PatternProblem('Only JSON object is allowed in array of $or relationship.');
    }
    const copies = alternatives.length === 0 ? [new Map()] : alternatives.map((one) => new Map(one));
    forked.push(...readObject(copies, path, branch, true));
    if (forked.length > MAX_COMBINATIONS) {
      throw new PatternProblem(`There must be at most ${MAX_COMBINATIONS} rule combinations in $or relationship.`);
    }
  }
  if (branches.length < 2) throw new PatternProblem('There must have at least 2 Objects in $or relationship.');
  return forked;
}

/** Where the pattern's fields lie in an event. A key may contain dots, in the pattern and in the event alike. */
interface Node {
  slot: number;
  readonly keys: string[];
  readonly nodes: Node[];
}

interface Condition {
  readonly slot: number;
  readonly absent: boolean;
  readonly test: (value: Json) => boolean;
}

/** In which element of which arrays a value lies: array, element, array, element … */
type Membership = readonly number[];
const NOWHERE: Membership = [];

/** The values found for one field. */
interface Found {
  readonly values: Json[];
  readonly places: Membership[];
}

function compile(pattern: Json): (event: Json) => boolean {
  if (typeof pattern !== 'object' || pattern === null || Array.isArray(pattern)) {
    throw new PatternProblem('Filter is not an object');
  }
  const alternatives = readObject([], '', pattern, false);
  const names = [...new Set(alternatives.flatMap((one) => [...one.keys()]))].sort();
  const slots = new Map(names.map((name, slot) => [name, slot]));
  const root = plantNode();
  for (const [name, slot] of slots) plantField(root, name.split('.'), slot);
  // Fields are tried in the order of their names, which decides what `exists: false` sees of an array.
  const plans = alternatives.map((alternative) =>
    [...alternative]
      .map(([name, { absent, test }]): Condition => ({ slot: slots.get(name)!, absent, test }))
      .sort((a, b) => a.slot - b.slot),
  );
  return (event) => {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return false;
    const found: (Found | undefined)[] = new Array(names.length);
    gather(root, event, NOWHERE, found, { arrays: 0 });
    for (const plan of plans) if (holds(plan, 0, found, NOWHERE)) return true;
    return false;
  };
}

function plantNode(): Node {
  return { slot: -1, keys: [], nodes: [] };
}

/** Adds the field under every way to cut its name into keys: `a.b` is `{a: {b}}` and also `{"a.b"}`. */
function plantField(node: Node, segments: readonly string[], slot: number): void {
  for (let end = 1; end <= segments.length; end++) {
    const key = segments.slice(0, end).join('.');
    let index = node.keys.indexOf(key);
    if (index < 0) {
      index = node.keys.push(key) - 1;
      node.nodes.push(plantNode());
    }
    const child = node.nodes[index]!;
    if (end === segments.length) child.slot = slot;
    else plantField(child, segments.slice(end), slot);
  }
}

function gather(
  node: Node,
  object: Json,
  place: Membership,
  found: (Found | undefined)[],
  count: { arrays: number },
): void {
  const { keys, nodes } = node;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const value = object[key];
    if (value === undefined || (key in Object.prototype && !Object.hasOwn(object, key))) continue;
    const child = nodes[i]!;
    if (typeof value !== 'object' || value === null) add(child, value, place, found);
    else if (Array.isArray(value)) gatherArray(child, value, place, found, count);
    else gather(child, value, place, found, count);
  }
}

function gatherArray(
  node: Node,
  array: readonly Json[],
  place: Membership,
  found: (Found | undefined)[],
  count: { arrays: number },
): void {
  const id = count.arrays++;
  for (let i = 0; i < array.length; i++) {
    const value = array[i];
    if (typeof value !== 'object' || value === null) add(node, value, place, found);
    else if (Array.isArray(value)) gatherArray(node, value, [...place, id, i], found, count);
    else gather(node, value, [...place, id, i], found, count);
  }
}

function add(node: Node, value: Json, place: Membership, found: (Found | undefined)[]): void {
  if (node.slot < 0) return;
  const field = found[node.slot];
  if (field === undefined) found[node.slot] = { values: [value], places: [place] };
  else {
    field.values.push(value);
    field.places.push(place);
  }
}

/** Is there one value for each field, all from the same elements of the arrays that they share? */
function holds(plan: readonly Condition[], from: number, found: (Found | undefined)[], place: Membership): boolean {
  const condition = plan[from];
  if (condition === undefined) return true;
  const field = found[condition.slot];
  if (condition.absent && !field?.places.some((other) => merged(place, other) !== undefined)) {
    if (holds(plan, from + 1, found, place)) return true;
  }
  if (field === undefined) return false;
  const { values, places } = field;
  for (let i = 0; i < values.length; i++) {
    const next = merged(place, places[i]!);
    if (next !== undefined && condition.test(values[i]) && holds(plan, from + 1, found, next)) return true;
  }
  return false;
}

/** Both memberships together, or undefined when they name different elements of the same array. */
function merged(a: Membership, b: Membership): Membership | undefined {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  let result = a;
  for (let i = 0; i < b.length; i += 2) {
    let known = false;
    for (let j = 0; j < a.length; j += 2) {
      if (a[j] !== b[i]) continue;
      if (a[j + 1] !== b[i + 1]) return undefined;
      known = true;
    }
    if (!known) result = [...result, b[i]!, b[i + 1]!];
  }
  return result;
}
