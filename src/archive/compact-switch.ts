import './compaction-errors.ts';
import { DaybookError } from '../errors.ts';
import type { SliceResult } from './compact-bucket.ts';
import { type CompactionPlan, type PlanRecord, planKey, resultKey } from './compact-plan.ts';
import type { CompactionFiles } from './compaction-files.ts';
import { type GlueTable, generationOf, switchedView } from './current-view.ts';
import { filesLists, filesListText, type Generation, manifestKey } from './generation.ts';

/** What the state machine does next. */
export type SwitchStep =
  /** One UpdateTable with this input, at this version of the table: if another was quicker, Glue refuses it. */
  | { readonly outcome: 'switch'; readonly tableInput: Record<string, unknown>; readonly versionId: string }
  /** This generation is current: a retry after a lost answer finds its own switch. */
  | { readonly outcome: 'switched' }
  /** Another compaction switched first. Nothing is lost: what this one took is still there and is taken by the next. */
  | { readonly outcome: 'superseded' };

/**
 * Writes the manifest and the lists of a generation whose slices are all verified, and says how to switch to it. Only the
 * generation that it was made from may be replaced by it.
 *
 * @throws `archive.sliceMissing`
 */
export async function prepareSwitch(
  files: CompactionFiles,
  plan: CompactionPlan,
  given: { readonly table: GlueTable; readonly archiveBucket: string; readonly nowMs: number },
): Promise<SwitchStep> {
  const { table } = given;
  const current = generationOf(table);
  if (current === plan.generation) return { outcome: 'switched' };
  if (current !== plan.previous) return { outcome: 'superseded' };
  await writeGeneration(files, plan, given.archiveBucket);
  const at = new Date(given.nowMs).toISOString();
  return { outcome: 'switch', tableInput: switchedView(table, plan.generation, at), versionId: table.VersionId ?? '0' };
}

async function writeGeneration(files: CompactionFiles, plan: CompactionPlan, archiveBucket: string): Promise<void> {
  const record = JSON.parse(await files.readText(planKey(plan.generation))) as PlanRecord;
  const results: SliceResult[] = [];
  for (const { bucket } of plan.slices) {
    const text = await files.readText(resultKey(plan.generation, bucket)).catch((cause) => {
      throw new DaybookError('archive.sliceMissing', { generation: plan.generation, bucket }, { cause });
    });
    results.push(JSON.parse(text) as SliceResult);
  }
  const generation = madeGeneration(plan, record, results);
  for (const bucket of new Set(generation.files.map((file) => file.bucket))) {
    for (const list of filesLists(plan.generation, generation.files, bucket)) {
      await files.writeText(list.key, filesListText(list, archiveBucket));
    }
  }
  await files.writeText(manifestKey(plan.generation), JSON.stringify(generation));
}

/** What a compaction has made: of the buckets that it had slices of their results, of the others what was there before. */
export function madeGeneration(
  { generation, madeAt }: Pick<CompactionPlan, 'generation' | 'madeAt'>,
  { previous, carried }: PlanRecord,
  results: readonly SliceResult[],
): Generation {
  const rewritten = new Set(results.map(({ bucket }) => bucket));
  const kept = previous.files.filter(({ bucket }) => !rewritten.has(bucket));
  const files = [...kept, ...results.flatMap((result) => result.files)];
  return {
    format: 1,
    generation,
    previous: previous.generation,
    madeAt,
    events: files.reduce((sum, file) => sum + file.rows, 0),
    files,
    taken: [...carried, ...results.flatMap((result) => result.taken)],
  };
}
