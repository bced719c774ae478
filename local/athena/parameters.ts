import type { DuckDBConnection } from '@duckdb/node-api';
import { type Node, parseSelect } from './ast.ts';
import { toDuckDbSyntax } from './dialect.ts';
import { QueryFailure } from './errors.ts';

/**
 * Reads execution parameters, each of which is a literal as SQL writes it: `5`, `'text'`, `DATE '2026-01-02'`. It becomes a
 * node of the tree, never a part of the query's text; whatever else somebody passes is refused.
 */
export async function readParameters(values: readonly string[], connection: DuckDBConnection): Promise<Node[]> {
  const nodes: Node[] = [];
  for (const [i, value] of values.entries()) nodes.push(await readParameter(value, i, connection));
  return nodes;
}

async function readParameter(value: string, index: number, connection: DuckDBConnection): Promise<Node> {
  const refuse = () =>
    new QueryFailure(
      `INVALID_PARAMETER_USAGE: ExecutionParameters[${index}] is no literal: ${value.slice(0, 60)}; a text stands in single quotes`,
    );
  let tree: Node;
  try {
    tree = await parseSelect(connection, `SELECT ${toDuckDbSyntax(value)}`);
  } catch (error) {
    if (error instanceof QueryFailure) throw refuse();
    throw error;
  }
  const { node } = tree.statements[0];
  const plain =
    node.type === 'SELECT_NODE' &&
    node.from_table?.type === 'EMPTY' &&
    node.where_clause === null &&
    node.modifiers.length === 0 &&
    node.select_list.length === 1;
  const [only] = node.select_list ?? [];
  if (!plain || !isLiteral(only) || only.alias !== '') throw refuse();
  return only;
}

function isLiteral(node: Node): boolean {
  if (node.class === 'CONSTANT') return true;
  if (node.class === 'CAST') return node.child.class === 'CONSTANT';
  return (
    node.class === 'FUNCTION' && node.function_name === '-' && node.children.length === 1 && isLiteral(node.children[0])
  );
}
