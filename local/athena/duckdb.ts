import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { quoteText } from '../glue/hive-type.ts';
import type { S3 } from '../s3/s3.ts';
import { MACROS, MACROS_FIRST } from './macros.ts';

/** The one DuckDB of the runtime: Firehose writes Parquet with it, Athena queries with it. */
export interface DuckDb {
  /** Loads the library and opens the instance at the first call. */
  connect(): Promise<DuckDBConnection>;
  /** A folder that DuckDB may read and write, for temporary files. */
  readonly scratchDir: string;
  close(): void;
}

const SETTINGS: readonly string[] = [
  // What is loaded is linked in: parquet, json, icu.
  'SET GLOBAL autoinstall_known_extensions = false',
  'SET GLOBAL autoload_known_extensions = false',
  "SET GLOBAL TimeZone = 'UTC'",
  // "7 / 2" is 3 in Trino.
  'SET GLOBAL integer_division = true',
];

/**
 * DuckDB over the files of S3 and nothing else: SQL can't reach another folder, and no statement can change that. Small
 * on purpose (2 threads, 512 MB before it spills), and not loaded before somebody needs it.
 */
export function createDuckDb(s3: S3): DuckDb {
  const scratchDir = s3.scratchDir('duckdb');
  let opening: Promise<DuckDBInstance> | undefined;
  let instance: DuckDBInstance | undefined;
  const open = async () => {
    rmSync(scratchDir, { recursive: true, force: true });
    mkdirSync(join(scratchDir, 'spill'), { recursive: true });
    const { DuckDBInstance: Instance } = await import('@duckdb/node-api');
    instance = await Instance.create(':memory:', {
      threads: '2',
      memory_limit: '512MB',
      temp_directory: join(scratchDir, 'spill'),
      // An object that is written anew lies where it lay: what it keeps of files it knows by path, size and second.
      enable_external_file_cache: 'false',
    });
    const connection = await instance.connect();
    // Whether "/" divides whole numbers is decided when a macro is read: the settings come first.
    await connection.run(SETTINGS.join(';\n'));
    await connection.run([...MACROS_FIRST, ...MACROS].join(';\n'));
    await connection.run(
      [
        `SET GLOBAL allowed_directories = [${quoteText(join(s3.dir, '/'))}]`,
        'SET GLOBAL enable_external_access = false',
        'SET GLOBAL lock_configuration = true',
      ].join(';\n'),
    );
    connection.closeSync();
    return instance;
  };
  return {
    scratchDir,
    async connect() {
      opening ??= open();
      return await (await opening).connect();
    },
    close() {
      instance?.closeSync();
      opening = undefined;
      instance = undefined;
    },
  };
}
