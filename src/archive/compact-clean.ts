import './errors.ts';
import { RAW_PREFIX } from './cold-files.ts';
import { isSame } from './compact-plan.ts';
import type { CompactionFiles } from './compaction-files.ts';
import { type GlueTable, generationOf, switchedAt } from './current-view.ts';
import {
  COMPACTED_PREFIX,
  FILES_PREFIX,
  generationIn,
  KEYS_PREFIX,
  keysKey,
  NO_GENERATION,
  readGeneration,
} from './generation.ts';

export interface Cleaned {
  /** Raw files whose events the current generation holds. */
  readonly raw: number;
  /** Files of older generations, and of compactions that did not get to their switch. */
  readonly compacted: number;
  /** Raw files that were taken and are other files now: they stay. */
  readonly changed: readonly string[];
  /** False when something may be left: the switch was too recent, or the time was up. */
  readonly done: boolean;
  /** The time was up: to be called again. */
  readonly late: boolean;
}

/** A state's payload is bounded. */
const MOST_NAMED = 20;

/**
 * Deletes what no query can be reading any more. It goes by the generation that is current now, and only once that has been
 * current for `keepMs`: whoever calls, however often, whatever was stopped before. Raw files go when the manifest names them
 * as taken and they are the same still; compacted files when they are no newer than the current generation and not in it, also
 * those that a repeated slice of it has left: what a compaction that runs now has written is newer.
 */
export async function cleanUp(
  files: CompactionFiles,
  given: { readonly table: GlueTable; readonly keepMs: number; readonly nowMs: number },
  isLate: () => boolean = () => false,
): Promise<Cleaned> {
  const generation = generationOf(given.table);
  const since = Date.parse(switchedAt(given.table) ?? '');
  const nothing = { raw: 0, compacted: 0, changed: [] };
  if (generation === NO_GENERATION || Number.isNaN(since)) return { ...nothing, done: true, late: false };
  if (given.nowMs - since < given.keepMs) return { ...nothing, done: false, late: false };
  const current = await readGeneration(files.readText, generation);
  const taken = new Map(current.taken.map((file) => [file.key, file]));
  const changed: string[] = [];
  let raw = 0;
  for await (const page of files.list(RAW_PREFIX)) {
    if (isLate()) return { raw, compacted: 0, changed, done: false, late: true };
    const named = page.filter(({ key }) => taken.has(key));
    const same = named.filter((file) => isSame(taken.get(file.key), file)).map(({ key }) => key);
    changed.push(...named.filter((file) => !isSame(taken.get(file.key), file)).map(({ key }) => key));
    await files.delete(same);
    raw += same.length;
  }
  const keep = new Set(current.files.flatMap(({ key }) => [key, keysKey(key)]));
  let compacted = 0;
  // Lists and manifests before the files that they name: a list never names what is gone.
  for (const prefix of [`${COMPACTED_PREFIX}generations/`, `${COMPACTED_PREFIX}runs/`, FILES_PREFIX, KEYS_PREFIX]) {
    for await (const page of files.list(prefix)) {
      if (isLate()) return { raw, compacted, changed, done: false, late: true };
      const ids = prefix === FILES_PREFIX || prefix === KEYS_PREFIX ? 'and its own' : 'before it';
      const old = page.map(({ key }) => key).filter((key) => !keep.has(key) && isOf(key, generation, ids));
      await files.delete(old);
      compacted += old.length;
    }
  }
  return { raw, compacted, changed: changed.slice(0, MOST_NAMED), done: true, late: false };
}

/** Every key of a compaction has its generation's id in it. What has none is nobody's business here: `verify` names it. */
function isOf(key: string, generation: string, ids: 'before it' | 'and its own'): boolean {
  const id = generationIn(key);
  return id !== undefined && (id < generation || (ids === 'and its own' && id === generation));
}
