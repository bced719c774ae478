import type { DuckDBConnection } from '@duckdb/node-api';
import type { Json } from '../cloud.ts';
import { QueryFailure } from './errors.ts';

/** DuckDB's syntax tree as JSON. Numbers that JavaScript would change stay texts in it, marked: `9007199254740993`, `1.0`. */
export type Node = Json;

const BIG = '@big:';

/** The tree of one SELECT. Only SELECT has one: everything else is refused here. */
export async function parseSelect(connection: DuckDBConnection, sql: string): Promise<Node> {
  const text = await scalar(connection, 'SELECT json_serialize_sql($sql::VARCHAR)', sql);
  const tree = JSON.parse(
    text.replace(/(?<!\\)"value":(-?\d{16,}|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=[,}])/g, `"value":"${BIG}$1"`),
  );
  if (tree.error === true) {
    const line = tree.position === undefined ? '' : `line 1:${Number(tree.position) + 1}: `;
    const message = /Only SELECT/.test(tree.error_message)
      ? 'queries of this type are not supported'
      : tree.error_message;
    throw new QueryFailure(`SYNTAX_ERROR: ${line}${message}`);
  }
  if (tree.statements.length !== 1) {
    throw new QueryFailure('SYNTAX_ERROR: Only one sql statement is allowed.');
  }
  return tree;
}

/** The SQL text of a tree. */
export async function toSql(connection: DuckDBConnection, tree: Node): Promise<string> {
  // Positions don't matter any more, and JavaScript can't hold the ones that mean "none".
  const json = JSON.stringify(tree, (key, value) => (key === 'query_location' ? 0 : value));
  return await scalar(
    connection,
    'SELECT json_deserialize_sql($sql::JSON)',
    json.replace(new RegExp(`"${BIG}(-?[0-9.eE+-]+)"`, 'g'), '$1'),
  );
}

async function scalar(connection: DuckDBConnection, query: string, sql: string): Promise<string> {
  const reader = await connection.runAndReadAll(query, { sql });
  return String(reader.getRows()[0]![0]);
}

export const textNode = (text: string): Node => ({
  class: 'CONSTANT',
  type: 'VALUE_CONSTANT',
  alias: '',
  query_location: 0,
  value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: text },
});

export const castNode = (child: Node, type: string): Node => ({
  class: 'CAST',
  type: 'OPERATOR_CAST',
  alias: '',
  query_location: 0,
  child,
  cast_type: { id: type, type_info: null },
  try_cast: false,
});

export const callNode = (name: string, children: readonly Node[], more: Node = {}): Node => ({
  class: 'FUNCTION',
  type: 'FUNCTION',
  alias: '',
  query_location: 0,
  function_name: name,
  schema: '',
  children,
  filter: null,
  order_bys: { type: 'ORDER_MODIFIER', orders: [] },
  distinct: false,
  is_operator: false,
  export_state: false,
  catalog: '',
  ...more,
});

export const isText = (node: Node): node is Node =>
  node?.class === 'CONSTANT' && node.value?.type?.id === 'VARCHAR' && node.value.is_null === false;
