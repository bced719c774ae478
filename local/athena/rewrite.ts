import { callNode, castNode, isText, type Node, textNode } from './ast.ts';
import { unsupported } from './errors.ts';
import { rewriteFunction } from './rewrite-function.ts';

/** A table that a query names. */
export interface TableReference {
  readonly database: string;
  readonly table: string;
  /** Makes the query read this relation instead. */
  readAs(relation: string): void;
}

export interface RewriteOptions {
  readonly database: string | undefined;
  readonly nowMs: number;
  /** What stands for the question marks, in order. */
  readonly parameters: readonly Node[];
}

export interface Rewritten {
  readonly tables: readonly TableReference[];
  /** How many question marks there were. */
  readonly parameters: number;
}

/** An alias that says that the column has none; Trino calls such a column `_col<position>`. */
export const UNNAMED = '__daybook_unnamed_';

/** Gives a query in Trino's dialect DuckDB's meaning, in place, and tells which tables it reads. */
export function rewriteQuery(tree: Node, options: RewriteOptions): Rewritten {
  const tables: TableReference[] = [];
  let parameters = 0;
  const now = new Date(options.nowMs).toISOString().replace('T', ' ').replace('Z', '');

  /** Returns what stands in the node's place. */
  const visit = (node: Node, scope: ReadonlySet<string>): Node => {
    if (Array.isArray(node)) return node.map((one) => visit(one, scope));
    if (node === null || typeof node !== 'object') return node;
    const inner = withExpressions(node, scope);
    refuseForeign(node);
    for (const key of Object.keys(node)) {
      if (key === 'cte_map' || key === 'value') continue;
      node[key] = visit(node[key], inner);
    }
    return replace(node, inner);
  };

  /** Names that WITH defines hide tables; each is seen by the ones after it, and by itself when it is recursive. */
  const withExpressions = (node: Node, scope: ReadonlySet<string>): ReadonlySet<string> => {
    const entries: Node[] = node.cte_map?.map ?? [];
    if (entries.length === 0) return scope;
    const names = new Set(scope);
    for (const entry of entries) {
      const recursive = entry.value.query.node.type === 'RECURSIVE_CTE_NODE';
      if (recursive) names.add(entry.key.toLowerCase());
      entry.value.query = visit(entry.value.query, new Set(names));
      names.add(entry.key.toLowerCase());
    }
    return names;
  };

  const replace = (node: Node, scope: ReadonlySet<string>): Node => {
    if (node.type === 'BASE_TABLE') return nameTable(node, scope);
    if (node.class === 'FUNCTION' || node.class === 'WINDOW') return rewriteFunction(node, { now });
    if (node.class === 'CAST') return rewriteCast(node);
    if (node.class === 'PARAMETER') {
      parameters++;
      const given = options.parameters[parameters - 1];
      return given === undefined ? node : { ...structuredClone(given), alias: node.alias };
    }
    if (node.class === 'COLUMN_REF') return rewriteColumn(node);
    return node;
  };

  const nameTable = (node: Node, scope: ReadonlySet<string>): Node => {
    const table = node.table_name.toLowerCase();
    if (node.schema_name === '' && scope.has(table)) return node;
    if (node.catalog_name !== '' && node.catalog_name.toLowerCase() !== 'awsdatacatalog') {
      throw unsupported(`the catalog ${node.catalog_name}`);
    }
    const database = (node.schema_name === '' ? options.database : node.schema_name)?.toLowerCase();
    if (database === undefined) throw unsupported(`a table without a database (${table}) when the query has none`);
    if (node.alias === '') node.alias = node.table_name;
    node.schema_name = '';
    node.catalog_name = '';
    tables.push({
      database,
      table,
      readAs(relation) {
        node.catalog_name = 'temp';
        node.schema_name = 'main';
        node.table_name = relation;
      },
    });
    return node;
  };

  const rewriteColumn = (node: Node): Node => {
    const names: string[] = node.column_names;
    if (names.length === 1) {
      switch (names[0]!.toLowerCase()) {
        case 'current_date':
          return { ...castNode(textNode(now.slice(0, 10)), 'DATE'), alias: node.alias };
        case 'current_timestamp':
          return { ...castNode(textNode(`${now}+00`), 'TIMESTAMP WITH TIME ZONE'), alias: node.alias };
        case 'localtimestamp':
          return { ...castNode(textNode(now), 'TIMESTAMP'), alias: node.alias };
      }
    }
    // `database.table.column`: the relation is known by the table's name alone.
    const [first = '', second = '', third] = names.map((name) => name.toLowerCase());
    if (third !== undefined && tables.some(({ database, table }) => database === first && table === second)) {
      return { ...node, column_names: names.slice(1) };
    }
    return node;
  };

  nameColumns(tree.statements[0].node);
  for (const statement of tree.statements) {
    // Tables first, so that columns know them: select lists stand before FROM in the tree.
    statement.node = visit(statement.node, new Set());
    statement.named_param_map = [];
    statement.node = requalify(statement.node, tables);
  }
  return { tables, parameters };
}

/** Columns were visited before the tables behind them were known. */
function requalify(node: Node, tables: readonly TableReference[]): Node {
  if (Array.isArray(node)) return node.map((one) => requalify(one, tables));
  if (node === null || typeof node !== 'object') return node;
  if (node.class === 'COLUMN_REF' && node.column_names.length > 2) {
    const [first, second] = node.column_names.map((name: string) => name.toLowerCase());
    const known = tables.some(({ database, table }) => database === first && table === second);
    return known ? { ...node, column_names: node.column_names.slice(1) } : node;
  }
  for (const key of Object.keys(node)) node[key] = requalify(node[key], tables);
  return node;
}

/** Columns of the result that have no name get a mark. */
function nameColumns(node: Node): void {
  if (node.type === 'SET_OPERATION_NODE') {
    const first = node.left ?? node.children?.[0];
    if (first !== undefined) nameColumns(first);
    return;
  }
  for (const [i, item] of (node.select_list ?? []).entries()) {
    if (item.alias === '' && item.class !== 'COLUMN_REF' && item.class !== 'STAR') item.alias = `${UNNAMED}${i}`;
  }
}

const FOREIGN: Readonly<Record<string, string>> = {
  SHOW_REF: 'SHOW or DESCRIBE in a query',
  PIVOT: 'PIVOT',
  DELIM_GET: 'this query',
  COLUMN_DATA: 'this query',
};

/** What DuckDB has and Athena has not. */
function refuseForeign(node: Node): void {
  if (FOREIGN[node.type] !== undefined) throw unsupported(FOREIGN[node.type]!);
  if (node.qualify !== undefined && node.qualify !== null) throw unsupported('QUALIFY');
  if (node.class === 'STAR') {
    if (
      (node.exclude_list?.length ?? 0) > 0 ||
      (node.replace_list?.length ?? 0) > 0 ||
      (node.rename_list?.length ?? 0) > 0 ||
      node.columns === true
    ) {
      throw unsupported('EXCLUDE, REPLACE, RENAME or COLUMNS');
    }
  }
  if (node.type === 'TABLE_FUNCTION' && node.function?.function_name?.toLowerCase() !== 'unnest') {
    throw unsupported(`the table function ${node.function?.function_name}`);
  }
  if (node.type === 'JOIN' && /ASOF|POSITIONAL/.test(`${node.ref_type} ${node.join_type}`))
    throw unsupported('this kind of join');
}

const JSON_FUNCTIONS = ['trino_json_extract', 'trino_json_parse', 'trino_json_array_get', 'to_json'];

function rewriteCast(node: Node): Node {
  const { child } = node;
  const type = node.cast_type?.type_info?.name ?? node.cast_type?.id;
  // CAST(varchar AS JSON) is a JSON text in Trino, DuckDB would parse it.
  if (/^json$/i.test(String(type))) {
    const isJson = child.class === 'FUNCTION' && JSON_FUNCTIONS.includes(child.function_name);
    return { ...(isJson ? child : toJson(child)), alias: node.alias };
  }
  // CAST(json AS varchar) of a text has no quotes in Trino.
  if (type === 'VARCHAR' && child.class === 'FUNCTION' && JSON_FUNCTIONS.includes(child.function_name)) {
    return { ...callNode('trino_json_to_varchar', [child]), alias: node.alias };
  }
  return node;
}

const toJson = (child: Node): Node => callNode('to_json', [isText(child) ? castNode(child, 'VARCHAR') : child]);
