import { callNode, castNode, isText, type Node, textNode } from './ast.ts';
import { QueryFailure, unsupported } from './errors.ts';
import { FUNCTIONS, fromJodaFormat, fromMysqlFormat } from './functions.ts';

type Rewrite = (node: Node, context: { readonly now: string }) => Node;

/** A call of one of Trino's functions becomes what means the same in DuckDB; a function that Trino has not is refused. */
export function rewriteFunction(node: Node, context: { readonly now: string }): Node {
  return withKnownType(rewriteCall(node, context));
}

/** Which argument's type chooses among the forms of a macro. */
const CHOOSING: Readonly<Record<string, number>> = {
  trino_to_iso8601: 0,
  trino_date_trunc: 1,
  trino_date_add: 2,
  trino_plus: 0,
  trino_minus: 0,
};
const AGGREGATES = new Set(['min', 'max', 'any_value', 'arg_min', 'arg_max', 'first', 'last', 'quantile_disc']);

function isAggregated(node: Node): boolean {
  if (Array.isArray(node)) return node.some(isAggregated);
  if (typeof node !== 'object' || node === null) return false;
  if (node.class === 'SUBQUERY') return false;
  if (node.class === 'WINDOW' || (node.class === 'FUNCTION' && AGGREGATES.has(node.function_name))) return true;
  return Object.values(node).some(isAggregated);
}

/**
 * DuckDB does not know the type of an aggregate yet when it chooses ("multiple overloads"), but that of a lambda's parameter:
 * `f(min(t))` becomes `list_transform([min(t)], x -> f(x))[1]`.
 */
function withKnownType(node: Node): Node {
  const index = node.class === 'FUNCTION' ? CHOOSING[node.function_name] : undefined;
  const argument = index === undefined ? undefined : node.children[index];
  if (argument === undefined || !isAggregated(argument)) return node;
  const parameter = {
    class: 'COLUMN_REF',
    type: 'COLUMN_REF',
    alias: '',
    query_location: 0,
    column_names: ['athena_x'],
  };
  const children = node.children.map((child: Node, i: number) => (i === index ? parameter : child));
  const lambda = {
    class: 'LAMBDA',
    type: 'LAMBDA',
    alias: '',
    query_location: 0,
    lhs: parameter,
    expr: { ...node, alias: '', children },
  };
  const one = { class: 'CONSTANT', type: 'VALUE_CONSTANT', alias: '', query_location: 0, value: ONE };
  const list = callNode('list_transform', [callNode('list_value', [argument]), lambda]);
  const extract = { class: 'OPERATOR', type: 'ARRAY_EXTRACT', query_location: 0, children: [list, one] };
  return { ...extract, alias: node.alias };
}

const ONE = { type: { id: 'INTEGER', type_info: null }, is_null: false, value: 1 };

function rewriteCall(node: Node, context: { readonly now: string }): Node {
  const name: string = node.function_name.toLowerCase();
  const special = Object.hasOwn(SPECIAL, name) ? SPECIAL[name] : undefined;
  if (special !== undefined) return { ...special(node, context), alias: node.alias };
  const known = FUNCTIONS.get(name);
  if (known === undefined) throw new QueryFailure(`FUNCTION_NOT_FOUND: line 1:1: Function '${name}' not registered`);
  if (node.class === 'WINDOW' || known === name) return node;
  return { ...node, function_name: known, schema: '', catalog: '' };
}

const INTERVALS = [
  'to_days',
  'to_months',
  'to_years',
  'to_hours',
  'to_minutes',
  'to_seconds',
  'to_weeks',
  'to_milliseconds',
];
const isInterval = (node: Node): boolean => node?.class === 'FUNCTION' && INTERVALS.includes(node.function_name);

/** A date plus days is a date in Trino, a timestamp in DuckDB. */
const withInterval =
  (macro: string): Rewrite =>
  (node) => {
    const [left, right] = node.children;
    if (right === undefined || isInterval(left) === isInterval(right)) return node;
    return isInterval(right) ? callNode(macro, [left, right]) : callNode(macro, [right, left]);
  };

const withFormat =
  (build: (value: Node, format: Node) => Node, convert: (format: string) => string | undefined): Rewrite =>
  (node) => {
    const [value, format] = node.children;
    if (!isText(format)) throw unsupported(`${node.function_name} with a format that is not a literal`);
    const converted = convert(format.value.value);
    if (converted === undefined) throw unsupported(`the format ${format.value.value} of ${node.function_name}`);
    return build(value, textNode(converted));
  };

const strftime = (value: Node, format: Node) => callNode('strftime', [value, format]);
const strptime = (value: Node, format: Node) => callNode('strptime', [value, format]);
const strptimeZoned = (value: Node, format: Node) => castNode(strptime(value, format), 'TIMESTAMP WITH TIME ZONE');

/** `$["a.b"]["c"]`: nothing but names in quotes, in which `\"` and `\\` stand for themselves (Trino's JsonPathTokenizer). */
const QUOTED_PATH = /^\$(\["(?:[^"\\]|\\["\\])*"\])+$/;
const QUOTED_NAME = /\["((?:[^"\\]|\\["\\])*)"\]/g;

/** Trino's `$["a b"]` is DuckDB's `$."a b"`; a path of nothing but such names is a JSON pointer, in which every name can stand. */
function toDuckDbPath(path: string): string {
  if (!QUOTED_PATH.test(path)) return path.replace(/\["([^"\]]*)"\]/g, '."$1"');
  const names = [...path.matchAll(QUOTED_NAME)].map(([, name = '']) => name.replace(/\\(["\\])/g, '$1'));
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const withPath =
  (name: string): Rewrite =>
  (node) => {
    const children = node.children.map((child: Node, i: number) =>
      i === 1 && isText(child) ? textNode(toDuckDbPath(child.value.value)) : child,
    );
    return { ...node, function_name: name, children };
  };

const quantified =
  (aggregate: string, negated = false): Rewrite =>
  (node) => {
    const found = callNode(aggregate, [callNode('list_transform', node.children)]);
    return negated
      ? { class: 'OPERATOR', type: 'OPERATOR_NOT', alias: '', query_location: 0, children: [found] }
      : found;
  };

const PARTS: Readonly<Record<string, string>> = {
  dow: 'isodow',
  day_of_week: 'isodow',
  doy: 'doy',
  day_of_year: 'doy',
  yow: 'isoyear',
  year_of_week: 'isoyear',
  day_of_month: 'day',
};

const SPECIAL: Readonly<Record<string, Rewrite>> = {
  '/': (node) => callNode('trino_div', node.children),
  '%': (node) => callNode('trino_mod', node.children),
  '+': withInterval('trino_plus'),
  '-': withInterval('trino_minus'),
  // In Trino a concatenation with null is null, DuckDB's concat leaves nulls out.
  concat: (node) =>
    node.children.reduce((left: Node, right: Node) => callNode('||', [left, right], { is_operator: true })),
  date_part: (node) => {
    const [part, value] = node.children;
    const name = String(part.value?.value).toLowerCase();
    return { ...node, children: [textNode(PARTS[name] ?? name), value] };
  },
  timezone: (node) => callNode('trino_at_timezone', [node.children[1], node.children[0]]),
  element_at: (node) => ({
    class: 'OPERATOR',
    type: 'ARRAY_EXTRACT',
    alias: '',
    query_location: 0,
    children: node.children,
  }),
  approx_distinct: (node) => ({ ...node, function_name: 'count', distinct: true, children: node.children.slice(0, 1) }),
  any_match: quantified('list_bool_or'),
  all_match: quantified('list_bool_and'),
  none_match: quantified('list_bool_or', true),
  now: (_node, { now }) => castNode(textNode(`${now}+00`), 'TIMESTAMP WITH TIME ZONE'),
  date_format: withFormat(strftime, fromMysqlFormat),
  date_parse: withFormat(strptime, fromMysqlFormat),
  format_datetime: withFormat(strftime, fromJodaFormat),
  parse_datetime: withFormat(strptimeZoned, fromJodaFormat),
  json_extract: withPath('trino_json_extract'),
  json_extract_scalar: withPath('trino_json_extract_scalar'),
};
