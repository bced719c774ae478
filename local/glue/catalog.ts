import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../cloud.ts';

export interface GlueDatabase {
  readonly name: string;
  readonly input: Json;
  readonly createdMs: number;
  readonly tables: Map<string, GlueTable>;
}

export interface GlueTable {
  readonly name: string;
  readonly createdMs: number;
  /** Newest last. */
  readonly versions: { readonly id: string; readonly updatedMs: number; readonly input: Json }[];
}

/** Databases and tables; kept in one file, when there is a folder for it. */
export interface Catalog {
  readonly databases: Map<string, GlueDatabase>;
  save(): void;
}

export function openCatalog(dir: string | undefined): Catalog {
  const databases = new Map<string, GlueDatabase>();
  const path = dir === undefined ? undefined : join(dir, 'catalog.json');
  if (dir !== undefined) mkdirSync(dir, { recursive: true });
  if (path !== undefined && existsSync(path)) {
    for (const { tables, ...database } of JSON.parse(readFileSync(path, 'utf8'))) {
      const named = (tables as GlueTable[]).map((table): [string, GlueTable] => [table.name, table]);
      databases.set(database.name, { ...database, tables: new Map(named) });
    }
  }
  return {
    databases,
    save() {
      if (path === undefined) return;
      const list = [...databases.values()].map((database) => ({ ...database, tables: [...database.tables.values()] }));
      writeFileSync(`${path}.new`, JSON.stringify(list));
      renameSync(`${path}.new`, path);
    },
  };
}
