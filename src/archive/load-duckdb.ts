import '../replay/errors.ts';
import { createRequire } from 'node:module';
import { DaybookError } from '../errors.ts';

const PACKAGE = '@duckdb/node-api';

/** From the function's layer (Lambda sets NODE_PATH, which `require` follows and `import` does not), or the project. */
export function loadDuckdb(): typeof import('@duckdb/node-api') {
  return found((require) => require(PACKAGE));
}

/** Where DuckDB's package lies. */
export function duckdbPath(): string {
  return found((require) => require.resolve(PACKAGE));
}

function found<T>(look: (require: NodeRequire) => T): T {
  try {
    return look(createRequire(import.meta.url));
  } catch (cause) {
    throw new DaybookError('replay.noDuckdb', {}, { cause });
  }
}
