import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { loadDuckdb } from './load-duckdb.ts';

export interface InstanceOptions {
  /** What it spills lies there. */
  readonly folder: string;
  /** What DuckDB itself may hold, in MB; beyond it, it spills. */
  readonly memoryLimit: number;
  /** @default 1 */
  readonly threads?: number;
  /** Of a file for its tables. Default: they are held as far as the limit goes, then spilled. */
  readonly path?: string;
  /** Do rows come in the order of the file that they are read from? @default false */
  readonly inOrder?: boolean;
}

/** A DuckDB with bounded memory: every one that Daybook opens. The caller closes it. */
export function openInstance(options: InstanceOptions): Promise<DuckDBInstance> {
  const { folder, memoryLimit, threads = 1, path = ':memory:', inOrder = false } = options;
  return loadDuckdb().DuckDBInstance.create(path, {
    memory_limit: `${memoryLimit}MB`,
    temp_directory: join(folder, 'spill'),
    threads: `${threads}`,
    preserve_insertion_order: `${inOrder}`,
    // What is read is this machine's own files, and nothing is fetched.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // One file after the other lies at the same path: what it keeps of files it knows by path, size and second. And most are read
    // once: what it keeps would fill its memory as they grow.
    enable_external_file_cache: 'false',
  });
}

export interface DuckdbOptions {
  /** A folder of its own: the database and what it spills lie there. */
  readonly folder: string;
  /** What DuckDB itself may hold, in MB; beyond it, it spills. @default 96 */
  readonly memoryLimit?: number;
}

/** DuckDB over a folder, with bounded memory. */
export interface Duckdb {
  readonly connection: DuckDBConnection;
  /** Runs statements without an answer. */
  run(sql: string, values?: Record<string, string | number | null>): Promise<void>;
  /** The rows of a query, a chunk of about 2,000 at a time. */
  rows<Row>(sql: string, values?: Record<string, string | number | null>): AsyncGenerator<Row, void, undefined>;
  close(): void;
}

/** Opens a database of its own in the folder; the caller removes the folder. */
export async function openDuckdb({ folder, memoryLimit = 96 }: DuckdbOptions): Promise<Duckdb> {
  const instance = await openInstance({ folder, memoryLimit, path: join(folder, 'work.duckdb') });
  const connection = await instance.connect();
  return {
    connection,
    async run(sql, values) {
      await connection.run(sql, values);
    },
    async *rows<Row>(sql: string, values?: Record<string, string | number | null>) {
      const result = await connection.stream(sql, values);
      const names = result.columnNames();
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        for (const row of chunk.getRows()) {
          yield Object.fromEntries(names.map((name, i) => [name, plain(row[i])])) as Row;
        }
      }
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Counts and versions are safe numbers; DuckDB gives them as bigint. */
const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
