import { addMessages } from '../errors.ts';

/** What a compaction can say, and nobody who only reads the archive: their bundles hold none of it. */
export const compactionErrors = {
  'archive.badCompaction': (d: { reason: string }) =>
    `this is no request for a compaction: ${d.reason}; it is {} or {"before": "2026-01-31"}, the first arrival day that is not taken`,
  'archive.compactedFile': (d: { key: string; problem: string }) =>
    `the current generation's file ${d.key} is not what a compaction wrote: ${d.problem}. Nothing was switched or deleted. Put the file back, or write its events again with a backfill from the events table`,
  'archive.notVerified': (d: { bucket: string; period: string; expected: string; actual: string }) =>
    `what was read back of bucket ${d.bucket}, ${d.period}, is not what its sources hold: ${d.expected} expected, ${d.actual} found. Nothing was switched or deleted; compact again, and if it stays, keep the files and report it`,
  'archive.sliceMissing': (d: { generation: string; bucket: string }) =>
    `the generation ${d.generation} has no result of bucket ${d.bucket}, so it was not switched to; redrive the execution, or compact again`,
  'archive.generationLost': (d: { generation: string }) =>
    `the view events_current says that there is no generation, but ${d.generation} was made and its raw files are not all there any more: the view was made anew. Nothing was compacted. An earlier version of the table in Glue has its parameter daybook.generation and its text to put back`,
  'archive.viewDiffers': (d: { view: string; generation: string; read: string }) =>
    `the view ${d.view} reads ${d.read}, its parameter daybook.generation says ${d.generation}: one was changed by hand. Nothing was compacted. An earlier version of the table in Glue has both to put back`,
  'archive.manifestLost': (d: { key: string; problems: readonly string[] }) =>
    `${d.key} is gone and cannot be made anew of what its compaction left: ${d.problems.slice(0, 5).join('; ')}${d.problems.length > 5 ? `; and ${d.problems.length - 5} more` : ''}. Nothing was written. Put back what is named, or the manifest itself; where nobody has them, docs/completeness.md says how the compacted files are begun anew of the events table`,
  'archive.notTheView': (d: { view: string; given: string }) =>
    `the table ${d.given} is not the view ${d.view} as Daybook makes it: nothing was compacted or switched; deploy the stack, which makes it, then compact again`,
};

addMessages(compactionErrors);
