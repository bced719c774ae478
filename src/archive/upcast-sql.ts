import type { AnyEvent } from '../event/event-definition.ts';
import { CAST_TEXTS, type CastType, type Place, placeOf, type UpcastRule } from '../event/upcast.ts';
import type { FieldKind } from './schema-fields.ts';
import { timePattern } from './time-text.ts';

/** What stands at a place of an event's data once it is upcast, in terms of the data as it was written. */
type Value =
  | { readonly kind: 'stored'; readonly place: Place }
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'cast'; readonly of: Value; readonly to: CastType }
  | { readonly kind: 'if'; readonly present: Value; readonly yes: Value; readonly no: Value }
  /** `own`, with other members: an object where `own` is one, or as soon as anything of `put` is present; it stays one when that is dropped. */
  | {
      readonly kind: 'object';
      readonly own: Value;
      readonly members: ReadonlyMap<string, Value>;
      readonly put: readonly Value[];
    };

const ABSENT: Value = { kind: 'absent' };

/** An SQL expression in Trino's dialect over the column `data`. */
export type Sql = string;

/** The value that the rules make of data of schema version `from`; undefined where a function stands between, or the version is unknown. */
export function upcastValue(event: Pick<AnyEvent, 'schemaVersion' | 'upcasts'>, from: number): Value | undefined {
  let value: Value | undefined = { kind: 'stored', place: [] };
  if (from < 1 || from > event.schemaVersion) return undefined;
  for (let version = from; version < event.schemaVersion; version++) {
    const rule = event.upcasts[version]?.rule;
    if (rule === undefined) return undefined;
    value = byRule(rule, value);
  }
  return value;
}

/** The same steps as `upcastBy` takes. */
function byRule(rule: UpcastRule, given: Value): Value {
  let value = given;
  for (const place of (rule.drop ?? []).map(placeOf)) value = put(value, place, ABSENT);
  const moves = Object.entries(rule.rename ?? {}).map(([from, to]) => [placeOf(from), placeOf(to)] as const);
  const moved = moves.map(([from]) => at(value, from));
  for (const [from] of moves) value = put(value, from, ABSENT);
  for (const [i, [, to]] of moves.entries()) value = put(value, to, either(moved[i]!, at(value, to)));
  for (const [place, to] of Object.entries(rule.cast ?? {})) {
    value = put(value, placeOf(place), { kind: 'cast', of: at(value, placeOf(place)), to });
  }
  for (const [place, constant] of Object.entries(rule.default ?? {})) {
    value = put(value, placeOf(place), either(at(value, placeOf(place)), { kind: 'constant', value: constant }));
  }
  return value;
}

function at(value: Value, place: Place): Value {
  return place.reduce(memberOf, value);
}

function memberOf(value: Value, name: string): Value {
  switch (value.kind) {
    case 'stored':
      return { kind: 'stored', place: [...value.place, name] };
    case 'constant':
      return constantMember(value.value, name);
    case 'if':
      return { ...value, yes: memberOf(value.yes, name), no: memberOf(value.no, name) };
    case 'object':
      return value.members.get(name) ?? memberOf(value.own, name);
    default:
      return ABSENT;
  }
}

function constantMember(value: unknown, name: string): Value {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || !Object.hasOwn(value, name)) return ABSENT;
  return { kind: 'constant', value: (value as Record<string, unknown>)[name] };
}

function put(value: Value, [name, ...rest]: Place, inner: Value): Value {
  if (name === undefined) return inner;
  const object = value.kind === 'object' ? value : { own: value, members: new Map<string, Value>(), put: [] };
  return {
    kind: 'object',
    own: object.own,
    members: new Map([...object.members, [name, put(memberOf(value, name), rest, inner)]]),
    put: inner.kind === 'absent' ? object.put : [...object.put, inner],
  };
}

/** `first` where it is present, else `second`. */
function either(first: Value, second: Value): Value {
  if (first.kind === 'absent') return second;
  if (first.kind === 'constant' || second.kind === 'absent') return first;
  return { kind: 'if', present: first, yes: first, no: second };
}

/**
 * The SQL of a field's column: null where the value is absent, null, or nothing that the column can hold exactly. Undefined
 * where SQL cannot say it: what JSON functions of Trino cannot put together.
 */
export function columnSql(
  event: Pick<AnyEvent, 'schemaVersion' | 'upcasts'>,
  from: number,
  place: Place,
  kind: FieldKind,
): Sql | undefined {
  const value = upcastValue(event, from);
  return value === undefined ? undefined : sqlOf(at(value, place), kind);
}

const NULLS: Readonly<Record<FieldKind, Sql>> = {
  text: 'CAST(NULL AS varchar)',
  integer: 'CAST(NULL AS bigint)',
  number: 'CAST(NULL AS double)',
  boolean: 'CAST(NULL AS boolean)',
  time: 'CAST(NULL AS timestamp(3))',
  json: 'CAST(NULL AS varchar)',
};

function sqlOf(value: Value, kind: FieldKind): Sql | undefined {
  switch (value.kind) {
    case 'absent':
      return NULLS[kind];
    case 'stored':
      return storedSql(value.place, kind);
    case 'constant':
      return constantSql(value.value, kind);
    case 'cast':
      return castSql(value, kind);
    case 'if':
      return choose(presence(value.present), sqlOf(value.yes, kind), sqlOf(value.no, kind));
    case 'object':
      // What is left of it cannot be put together; with a member that is present it is no scalar.
      if (kind === 'json') return undefined;
      return choose(anyOf(value.put.map(presence)), NULLS[kind], sqlOf(value.own, kind));
  }
}

const TIME = `^${timePattern('[0-9]+')}$`;

/** By the JSON text of the value, which tells a number from a text of digits. */
function storedSql(place: Place, kind: FieldKind): Sql {
  const [json, scalar] = [`json_format(${jsonAt(place)})`, scalarAt(place)];
  switch (kind) {
    case 'text':
      return `CASE WHEN ${json} LIKE '"%' THEN ${scalar} END`;
    case 'integer':
      return `CASE WHEN regexp_like(${json}, '^-?[0-9]+$') THEN TRY_CAST(${scalar} AS bigint) END`;
    case 'number':
      return `CASE WHEN regexp_like(${json}, '^-?[0-9]') AND is_finite(TRY_CAST(${scalar} AS double)) THEN TRY_CAST(${scalar} AS double) END`;
    case 'boolean':
      return `CASE ${json} WHEN 'true' THEN true WHEN 'false' THEN false END`;
    case 'time':
      return `CASE WHEN ${json} LIKE '"%' THEN ${timeSql(scalar)} END`;
    case 'json':
      return `NULLIF(${json}, 'null')`;
  }
}

function timeSql(text: Sql): Sql {
  const instant = `TRY(from_iso8601_timestamp(upper(${text})))`;
  const utc = `CAST(date_trunc('millisecond', ${instant} AT TIME ZONE 'UTC') AS timestamp(3))`;
  return `CASE WHEN regexp_like(${text}, ${quoted(TIME)}) THEN ${utc} END`;
}

function constantSql(value: unknown, kind: FieldKind): Sql {
  if (value === null) return NULLS[kind];
  if (kind === 'json') return quoted(JSON.stringify(value));
  if (kind === 'boolean' && typeof value === 'boolean') return String(value);
  if (kind === 'integer' && Number.isInteger(value) && Math.abs(value as number) < 2 ** 63) {
    return `CAST(${BigInt(value as number)} AS bigint)`;
  }
  if (kind === 'number' && typeof value === 'number') return `CAST(${quoted(String(value))} AS double)`;
  if (kind === 'text' && typeof value === 'string') return quoted(value);
  if (kind === 'time' && typeof value === 'string') return timeSql(quoted(value));
  return NULLS[kind];
}

const CASTS: Readonly<Record<FieldKind, CastType | undefined>> = {
  text: 'string',
  time: 'string',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  json: undefined,
};

function castSql(value: Value & { readonly kind: 'cast' }, kind: FieldKind): Sql | undefined {
  // An integer is a number too; any other cast makes what this column does not hold.
  if (value.to !== CASTS[kind] && !(value.to === 'integer' && kind === 'number')) return undefined;
  const text = textOf(value);
  if (text === undefined || kind === 'text') return text;
  if (kind === 'time') return timeSql(text);
  return kind === 'boolean' ? `(${text}) = 'true'` : `CAST(${text} AS ${kind === 'integer' ? 'bigint' : 'double'})`;
}

/** A scalar as JSON writes it, without quotes; null where it is none, or a cast fails. */
function textOf(value: Value): Sql | undefined {
  switch (value.kind) {
    case 'absent':
      return NULLS.text;
    case 'stored':
      return scalarAt(value.place);
    case 'constant':
      return typeof value.value === 'object' ? NULLS.text : quoted(String(value.value));
    case 'if':
      return choose(presence(value.present), textOf(value.yes), textOf(value.no));
    case 'object':
      return choose(anyOf(value.put.map(presence)), NULLS.text, textOf(value.own));
    case 'cast': {
      // Of a text such as 1.50 a number is written as 1.5: what was cast is not cast again, unless it reads the same.
      if (hasNumberCast(value.of) && value.to !== 'number') return undefined;
      const text = textOf(value.of);
      return text === undefined ? undefined : castText(text, value.to);
    }
  }
}

function castText(text: Sql, to: CastType): Sql {
  if (to === 'string') return text;
  const fits = `regexp_like(${text}, ${quoted(CAST_TEXTS[to])})`;
  const limit = Number.MAX_SAFE_INTEGER;
  if (to === 'integer')
    return `CASE WHEN ${fits} AND TRY_CAST(${text} AS bigint) BETWEEN -${limit} AND ${limit} THEN ${text} END`;
  if (to === 'number') return `CASE WHEN ${fits} AND is_finite(TRY_CAST(${text} AS double)) THEN ${text} END`;
  return `CASE WHEN ${fits} THEN ${text} END`;
}

function hasNumberCast(value: Value): boolean {
  if (value.kind === 'cast') return value.to === 'number' || hasNumberCast(value.of);
  if (value.kind === 'object') return hasNumberCast(value.own); // a scalar is there only where none of its members is
  return value.kind === 'if' && (hasNumberCast(value.yes) || hasNumberCast(value.no));
}

/** A condition of SQL, or what it always is. */
type Condition = Sql | boolean;

function presence(value: Value): Condition {
  switch (value.kind) {
    case 'absent':
      return false;
    case 'constant':
      return true;
    case 'stored':
      return `${jsonAt(value.place)} IS NOT NULL`;
    case 'cast':
      return presence(value.of);
    case 'object':
      return anyOf([value.own, ...value.put].map(presence));
    case 'if': {
      const [present, then, otherwise] = [presence(value.present), presence(value.yes), presence(value.no)];
      if (typeof present === 'boolean') return present ? then : otherwise;
      if (value.present === value.yes) return anyOf([present, otherwise]);
      return anyOf([allOf([present, then]), allOf([`NOT (${present})`, otherwise])]);
    }
  }
}

function anyOf(conditions: readonly Condition[]): Condition {
  if (conditions.includes(true)) return true;
  const open = [...new Set(conditions.filter((condition) => condition !== false))];
  return open.length === 0
    ? false
    : open.length === 1
      ? open[0]!
      : open.map((condition) => `(${condition})`).join(' OR ');
}

function allOf(conditions: readonly Condition[]): Condition {
  if (conditions.includes(false)) return false;
  const open = conditions.filter((condition) => condition !== true);
  return open.length === 0 ? true : open.map((condition) => `(${condition})`).join(' AND ');
}

function choose(condition: Condition, then: Sql | undefined, otherwise: Sql | undefined): Sql | undefined {
  if (typeof condition === 'boolean') return condition ? then : otherwise;
  if (then === undefined || otherwise === undefined) return undefined;
  return then === otherwise ? then : `CASE WHEN ${condition} THEN ${then} ELSE ${otherwise} END`;
}

const jsonAt = (place: Place): Sql => `json_extract(data, ${pathOf(place)})`;
const scalarAt = (place: Place): Sql => `json_extract_scalar(data, ${pathOf(place)})`;

/** Names in quotes, so that a dot is a dot: `$["a.b"]["c"]`. */
function pathOf(place: Place): Sql {
  return quoted(`$${place.map((name) => `["${name.replace(/["\\]/g, '\\$&')}"]`).join('')}`);
}

/** Text as SQL writes it. */
export function quoted(text: string): Sql {
  return `'${text.replaceAll("'", "''")}'`;
}
