import type { BuildRecord, Builds } from '../replay/builds.ts';
import type { MemoryProjectionTable } from './memory-projection-table.ts';

/** Records of builds in memory, with their locks in the table's pointers, and the same contract as those in DynamoDB. */
export function memoryBuilds(table: MemoryProjectionTable): Builds {
  const records = new Map<string, BuildRecord>();
  /** By step, how far each part is. */
  const parts = new Map<string, Map<string, number>>();
  const keyOf = (projection: string, build: string) => JSON.stringify([projection, build]);
  const change = (projection: string, build: string, to: (record: BuildRecord) => BuildRecord): boolean => {
    const record = records.get(keyOf(projection, build));
    if (record !== undefined) records.set(keyOf(projection, build), to(record));
    return record !== undefined;
  };
  const spent = (record: BuildRecord, dollars: number) => ({ ...record, spent: (record.spent ?? 0) + dollars });
  return {
    async add(record) {
      const key = keyOf(record.projection, record.build);
      if (!records.has(key)) records.set(key, record);
    },
    async get(projection, build) {
      return records.get(keyOf(projection, build));
    },
    async *list(projection) {
      const found = [...records.values()].filter((record) => record.projection === projection);
      yield* found.sort((a, b) => (a.build < b.build ? -1 : 1));
    },
    async *projections() {
      yield* new Set([...records.values()].map(({ projection }) => projection));
    },
    async folded(projection, build, slice, bytes, more) {
      const folded = { [slice]: bytes };
      change(projection, build, (record) => ({ ...spent(record, more), folded: { ...record.folded, ...folded } }));
    },
    async progress(projection, build, step, part, { done, of, spent: more }) {
      const key = JSON.stringify([projection, build, step]);
      const known = (parts.get(key) ?? new Map<string, number>()).set(part, done);
      parts.set(key, known);
      const sum = { done: [...known.values()].reduce((total, one) => total + one, 0), of };
      change(projection, build, (record) => ({
        ...spent(record, more),
        progress: { ...record.progress, [step]: sum },
      }));
    },
    async spend(projection, build, dollars) {
      change(projection, build, (record) => spent(record, dollars));
      return records.get(keyOf(projection, build))?.spent ?? 0;
    },
    async sliceFailed(projection, build, sliceError) {
      change(projection, build, (record) => ({ ...record, sliceError }));
    },
    async mark(projection, build, status, { at, error }) {
      return change(projection, build, ({ error: _, ...record }) => ({
        ...record,
        status,
        endedAt: at,
        ...(error !== undefined && { error }),
      }));
    },
    async resumed(projection, build) {
      change(projection, build, ({ error: _, sliceError: __, endedAt: ___, ...record }) => ({
        ...record,
        status: 'running',
      }));
    },
    async lock(projection, version, holder, insteadOf) {
      const pointer = await table.pointer(projection, version);
      const { building, buildingBy } = pointer;
      if (building !== undefined && buildingBy !== holder.execution && buildingBy !== insteadOf) {
        return { build: building, execution: buildingBy ?? '' };
      }
      const locked = { ...pointer, building: holder.build, buildingBy: holder.execution, phase: 'folding' } as const;
      table.setPointer(projection, locked, version);
      return holder;
    },
    async release(projection, version, execution) {
      const { building: _, buildingBy, phase: __, ...rest } = await table.pointer(projection, version);
      if (buildingBy === execution) table.setPointer(projection, rest, version);
    },
    async forgetPrevious(projection, version, build) {
      const { previous, ...rest } = await table.pointer(projection, version);
      if (previous === build && rest.building !== build) table.setPointer(projection, rest, version);
    },
    async removeStates(projection, build, bucket) {
      table.remove(projection, build, bucket);
      return true;
    },
  };
}
