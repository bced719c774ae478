import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../cloud.ts';

export interface WorkGroup {
  readonly name: string;
  readonly description: string | undefined;
  readonly configuration: Json;
  readonly createdMs: number;
  readonly state: 'ENABLED' | 'DISABLED';
}

export interface NamedQuery {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly database: string;
  readonly query: string;
  readonly workGroup: string;
  readonly token: string | undefined;
}

/** Workgroups and named queries, kept in one file when there is a folder for it. */
export interface AthenaState {
  readonly workGroups: Map<string, WorkGroup>;
  readonly namedQueries: Map<string, NamedQuery>;
  save(): void;
}

export function openAthenaState(dir: string | undefined, nowMs: number): AthenaState {
  const path = dir === undefined ? undefined : join(dir, 'athena.json');
  if (dir !== undefined) mkdirSync(dir, { recursive: true });
  const saved =
    path !== undefined && existsSync(path)
      ? JSON.parse(readFileSync(path, 'utf8'))
      : { workGroups: [], namedQueries: [] };
  const workGroups = new Map<string, WorkGroup>(saved.workGroups.map((one: WorkGroup) => [one.name, one]));
  const namedQueries = new Map<string, NamedQuery>(saved.namedQueries.map((one: NamedQuery) => [one.id, one]));
  if (!workGroups.has('primary')) {
    workGroups.set('primary', {
      name: 'primary',
      description: undefined,
      configuration: { EnforceWorkGroupConfiguration: false },
      createdMs: nowMs,
      state: 'ENABLED',
    });
  }
  return {
    workGroups,
    namedQueries,
    save() {
      if (path === undefined) return;
      const text = JSON.stringify({ workGroups: [...workGroups.values()], namedQueries: [...namedQueries.values()] });
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    },
  };
}
