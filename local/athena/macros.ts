/** Trino's functions where DuckDB has none or another meaning, as DuckDB macros; each name begins with `trino_`. */
export const MACROS: readonly string[] = [];
