import { jsonProblem } from '../schema/json-value.ts';
import type { StoredEvent } from './stored-event.ts';

/**
 * Turns data of one schema version into data of the next: a function of your own, or what `upcastBy` makes of a rule. Pure; the
 * stored event is there for what data alone does not say.
 */
export type Upcast = { upcast(data: unknown, stored: StoredEvent): unknown }['upcast'] & {
  /** What it does, as data; a function of your own has none. */
  readonly rule?: UpcastRule;
  /** What the rule says that it cannot mean: a definition refuses it (`definition.badUpcast`). */
  readonly problem?: string;
};

/** What a `cast` makes of a text, number or boolean. */
export type CastType = 'string' | 'integer' | 'number' | 'boolean';

/**
 * An upcast as data: what it says in JavaScript, the archive's views say in SQL. A place is a property's name, or a JSON
 * pointer that begins with `/` for one that is nested: `/address/street` (in it `~1` is a slash, `~0` a tilde; a dot is a dot).
 * The words apply in the order in which they stand here.

 */
export interface UpcastRule {
  /** Places of the older data that are left out. */
  readonly drop?: readonly string[];
  /** From a place of the older data to one of the newer: renames, nests and unnests. All at once, so that two may change places. */
  readonly rename?: Readonly<Record<string, string>>;
  /** By places of the newer data. Null stays null; what cannot be cast without loss fails the upcast (`event.upcastFailed`). */
  readonly cast?: Readonly<Record<string, CastType>>;
  /** By places of the newer data: any JSON, for what is absent. What is null is not absent. */
  readonly default?: Readonly<Record<string, unknown>>;
}

/** Names of properties, from the outside in. */
export type Place = readonly string[];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An upcast by a rule, which the archive's views understand as well as a fold does.
 *
 * @example
 * defineEvent({
 *   type: 'Paid', schemaVersion: 2, data: Paid,
 *   upcasts: { 1: upcastBy({ rename: { amt: 'amount' }, cast: { amount: 'integer' }, default: { currency: 'EUR' } }) },
 * });
 */
export function upcastBy(rule: UpcastRule): Upcast {
  const problem = problemOf(rule);
  return Object.assign((data: unknown) => applyRule(rule, data), { rule, ...(problem !== undefined && { problem }) });
}

/** Throws what says what the rule cannot do with this data. */
function applyRule(upcast: UpcastRule, data: unknown): unknown {
  if (!isObject(data))
    throw new TypeError('its data is no object, which is all that drop, rename, cast and default know');
  let made: unknown = data;
  for (const place of (upcast.drop ?? []).map(placeOf)) made = without(made, place);
  const moves = Object.entries(upcast.rename ?? {}).map(([from, to]) => [placeOf(from), placeOf(to)] as const);
  const moved = moves.map(([from]) => valueAt(made, from));
  for (const [from] of moves) made = without(made, from);
  for (const [i, [, to]] of moves.entries()) if (moved[i] !== undefined) made = withValue(made, to, moved[i]);
  for (const [given, type] of Object.entries(upcast.cast ?? {})) {
    const value = valueAt(made, placeOf(given));
    if (value !== undefined) made = withValue(made, placeOf(given), cast(value, type, given));
  }
  for (const [given, value] of Object.entries(upcast.default ?? {})) {
    if (valueAt(made, placeOf(given)) === undefined) made = withValue(made, placeOf(given), structuredClone(value));
  }
  return made;
}

/** What stands at a place; undefined where nothing does. */
export function valueAt(data: unknown, place: Place): unknown {
  let value = data;
  for (const name of place) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** A copy as far as it differs: what it was given is not changed. What is no object on the way becomes one. */
function withValue(data: unknown, [name, ...rest]: Place, value: unknown): unknown {
  if (name === undefined) return value;
  const object = isObject(data) ? data : {};
  const inner = Object.hasOwn(object, name) ? object[name] : undefined;
  return { ...object, [name]: withValue(inner, rest, value) };
}

function without(data: unknown, [name, ...rest]: Place): unknown {
  if (name === undefined || !isObject(data) || !Object.hasOwn(data, name)) return data;
  const { [name]: inner, ...others } = data;
  return rest.length === 0 ? others : { ...data, [name]: without(inner, rest) };
}

/** The texts of which a cast makes a value, as JSON writes them; each type also takes its own values. The views' SQL uses them too. */
export const CAST_TEXTS: Readonly<Record<CastType, string>> = {
  string: '',
  integer: '^(0|-?[1-9][0-9]{0,15})$',
  number: '^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$',
  boolean: '^(true|false)$',
};

function cast(value: unknown, type: CastType, place: string): unknown {
  if (value === null) return null;
  const text = String(value);
  if (typeof value === 'object' || !new RegExp(CAST_TEXTS[type], 'u').test(text)) throw uncastable(value, type, place);
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true';
  const number = Number(text);
  const fits = type === 'integer' ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (!fits) throw uncastable(value, type, place);
  return number;
}

/** Says the kind of the value, not the value: it may be a person's. */
function uncastable(value: unknown, type: CastType, place: string): TypeError {
  const kind = Array.isArray(value) ? 'list' : typeof value === 'string' ? 'text' : typeof value;
  return new TypeError(`the ${kind} at ${place} is no ${type} without loss`);
}

/** The names that a place says. */
export function placeOf(given: string): Place {
  if (!given.startsWith('/')) return [given];
  return given
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const WORDS = ['drop', 'rename', 'cast', 'default'];

/** What a rule says that it cannot mean. */
function problemOf(rule: UpcastRule): string | undefined {
  if (!isObject(rule as unknown)) return 'it is no object';
  const stray = Object.keys(rule).find((word) => !WORDS.includes(word));
  if (stray !== undefined) return `there is no word ${JSON.stringify(stray)}; there are ${WORDS.join(', ')}`;
  const dropped: unknown = rule.drop ?? [];
  if (!Array.isArray(dropped) || dropped.some((place) => typeof place !== 'string'))
    return 'drop must be a list of places';
  for (const word of ['rename', 'cast', 'default'] as const) {
    if (!isObject(rule[word] ?? {})) return `${word} must be an object of places`;
  }
  const { rename = {}, cast: casts = {}, default: defaults = {} } = rule;
  const targets = Object.values(rename);
  if (targets.some((to) => typeof to !== 'string')) return 'rename goes from a place to a place, both text';
  for (const [given, type] of Object.entries(casts)) {
    if (Object.hasOwn(CAST_TEXTS, type)) continue;
    return `${given} cannot be cast to ${JSON.stringify(type)}; there are ${Object.keys(CAST_TEXTS).join(', ')}`;
  }
  for (const [given, value] of Object.entries(defaults)) {
    const issue = jsonProblem(value);
    if (issue !== undefined) return `the default of ${given}${issue.path}: ${issue.problem}`;
  }
  for (const places of [Object.keys(rename), targets, Object.keys(casts), Object.keys(defaults)]) {
    const overlap = overlapOf(places);
    if (overlap !== undefined) return `${overlap[0]} and ${overlap[1]} are one place, or one is in the other`;
  }
  return undefined;
}

function overlapOf(places: readonly string[]): readonly [string, string] | undefined {
  for (const [i, one] of places.entries()) {
    for (const other of places.slice(i + 1)) {
      const [a, b] = [placeOf(one), placeOf(other)];
      if (a.slice(0, b.length).every((name, n) => name === b[n])) return [one, other];
    }
  }
  return undefined;
}
