import { addMessages } from '../errors.ts';

/** The replay error codes: each makes its message from its details. */
export const replayErrors = {
  'replay.budgetSpent': (d: { projection: string; build: string; spent: number; budget: number }) =>
    `the replay ${d.build} of ${d.projection} has spent $${d.spent.toFixed(6)} of its budget of $${d.budget} and is not done: nothing was promoted. Start it again with a higher budget or a bounded range; npx daybook replay stop ${d.build} removes what it has made`,
  'replay.nothingSelected': (d: { query: string }) =>
    `the query that selects the aggregates answered with none: ${d.query.slice(0, 200)}. Its first column has to be their ids`,
  'replay.tooManySelected': (d: { selected: number; limit: number }) =>
    `the query selects ${d.selected} aggregates, allowed are ${d.limit}: bound it, or leave the aggregates out of the range for all of them`,
  'replay.foldFailed': (d: {
    projection: string;
    aggregateUuid: string;
    version: number;
    type: string;
    reason: string;
  }) =>
    `${d.projection} cannot fold ${d.type} (aggregate ${d.aggregateUuid}, version ${d.version}): ${d.reason}. Nothing was promoted; mend the fold or add an upcast`,
  'replay.archiveFile': (d: { key: string; expectedBytes: number; actualBytes: number | undefined }) =>
    `the archive's file ${d.key} has ${d.actualBytes} bytes, and should have ${d.expectedBytes}: it was damaged or replaced. Restore it (the bucket keeps versions), or move it out of the archive and let daybook verify --fix send what it held`,
  'replay.fileLost': (d: { key: string; generation: string }) =>
    `the archive's file ${d.key} is gone, and no compaction has taken it over: the current generation is ${d.generation}. Restore it (the bucket keeps versions), or let daybook verify --fix send what it held`,
  'replay.notVerified': (d: { projection: string; build: string; problems: readonly string[] }) =>
    `${d.projection}/${d.build} was not promoted: ${d.problems.join('; ')}`,
  'replay.stopped': (d: { projection: string; build: string }) =>
    `the replay ${d.build} of ${d.projection} was stopped, and its states are removed: it cannot go on. Start it again under another name`,
  'replay.noDuckdb': (_: Record<string, never>) =>
    'reading Parquet takes @duckdb/node-api: in a function it comes from the layer, elsewhere npm install it',
};

addMessages(replayErrors);
