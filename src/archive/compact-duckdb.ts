import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { loadDuckdb } from './load-duckdb.ts';

export interface DuckdbOptions {
  /** Where it spills what does not fit its memory. */
  readonly folder: string;
  /** In MB; what it needs beyond this goes to the folder. */
  readonly memoryLimit: number;
  readonly threads: number;
}

/** Runs work with a DuckDB of its own, whose memory is bounded. */
export async function withDuckdb<T>(options: DuckdbOptions, work: (connection: DuckDBConnection) => Promise<T>) {
  const { DuckDBInstance } = loadDuckdb();
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryLimit}MB`,
    temp_directory: join(options.folder, 'spill'),
    threads: String(options.threads),
    preserve_insertion_order: 'false',
    // What is read is this machine's own copies, and nothing is fetched.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** Paths as a list that SQL takes. */
export const pathList = (paths: readonly string[]): string => `[${paths.map(quoteText).join(', ')}]`;

/** A text as SQL writes it, for what cannot be bound: paths that this process made, names of declared columns. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
