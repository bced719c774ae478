import { type Observed, observing } from '../feed/observed.ts';
import type { SliceResult } from './compact-bucket.ts';

/** What a person has to know of a slice: files that were left out and copies that differ, each by its name. */
export function reportCompaction({ bucket, files, excluded, conflicts, conflictsAt }: SliceResult): Observed {
  const seen = observing();
  seen.count('CompactionExcluded', excluded.length);
  seen.count('CompactionConflicts', conflicts);
  for (const { key, reason } of excluded) seen.note({ what: 'rawFileExcluded', bucket, key, reason });
  if (conflictsAt !== undefined) seen.note({ what: 'copiesDiffer', bucket, conflicts, key: conflictsAt });
  seen.count(
    'EventsCompacted',
    files.reduce((sum, file) => sum + file.rows, 0),
  );
  return seen;
}
