import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** A history and its answers: `<path>.jsonl.gz` and `<path>.expected.json`. Another of the same kind: DAYBOOK_HISTORY=<path>. */
const path = process.env.DAYBOOK_HISTORY ?? join(root, '../shared/data/git-fast-check');
export const historyFile = `${path}.jsonl.gz`;
export const isHistoryThere = existsSync(historyFile) && existsSync(`${path}.expected.json`);

/** One line of the history: a change of a file. */
export interface Change {
  readonly aggregateUuid: string;
  readonly version: number;
  readonly type: 'FileAdded' | 'FileModified' | 'FileRenamed' | 'FileDeleted';
  readonly data: {
    readonly path: string;
    readonly linesAdded: number;
    readonly linesDeleted: number;
    readonly binary?: boolean;
    readonly commit: string;
    readonly authorHash: string;
    readonly message: string;
  };
  readonly recordedAt: string;
}

/** Sums over some events. */
export interface Sums {
  readonly events: number;
  readonly byType: Readonly<Record<string, number>>;
  readonly linesAdded: number;
  readonly linesDeleted: number;
  readonly netLines: number;
}

/** A file's state as the answers say it. */
export interface ExpectedState {
  readonly version: number;
  readonly exists: boolean;
  readonly path: string;
  readonly netLines: number;
  readonly linesAdded: number;
  readonly linesDeleted: number;
  readonly adds: number;
  readonly modifications: number;
  readonly renames: number;
  readonly deletes: number;
  readonly authors: number;
  readonly lastCommit: string;
  readonly lastRecordedAt: string;
}

export interface ExpectedAggregate {
  readonly aggregateUuid: string;
  readonly events: number;
  readonly stateAfterAll: ExpectedState;
  readonly prefixes: readonly { readonly k: number; readonly state: ExpectedState }[];
  readonly ranges: readonly {
    readonly a: number;
    readonly b: number;
    readonly events: number;
    readonly stateBefore: ExpectedState | null;
    readonly inRange: Sums;
    readonly stateAfter: ExpectedState;
  }[];
  readonly asOf: readonly { readonly at: string; readonly lastVersion: number; readonly state: ExpectedState | null }[];
}

export interface ExpectedTimeRange {
  readonly from: string;
  readonly to: string;
  readonly eventsAtFrom: number;
  readonly eventsAtTo: number;
  readonly aggregates: number;
  readonly inRange: Sums;
  readonly commits: number;
  readonly authors: number;
  readonly byAuthorTop20: readonly AuthorSums[];
}

export interface AuthorSums {
  readonly authorHash: string;
  readonly events: number;
  readonly linesAdded: number;
  readonly linesDeleted: number;
  readonly netLines: number;
}

export type Predicate =
  | { readonly kind: 'nthOfType'; readonly type: Change['type']; readonly n: number }
  | { readonly kind: 'pathBecame'; readonly path: string }
  | { readonly kind: 'stateReached'; readonly field: 'netLines' | 'authors'; readonly atLeast: number }
  | { readonly kind: 'firstByAuthor'; readonly authorHash: string };

export interface WhenDid {
  readonly aggregateUuid: string;
  readonly question: string;
  readonly predicate: Predicate;
  readonly answer: {
    readonly version: number;
    readonly recordedAt: string;
    readonly type: string;
    readonly commit: string;
  } | null;
}

export interface GitTree {
  readonly commit: string;
  readonly eventsUpToAndWithIt: number;
  readonly recordedAt: string;
  readonly liveFiles: number;
  readonly sortedPathsSha256: string;
  readonly neverBinaryFiles: number;
  readonly linesInNeverBinaryFiles: number;
}

export interface Expected {
  readonly general: {
    readonly events: number;
    readonly aggregates: number;
    readonly maxVersion: number;
    readonly maxVersionAggregateUuid: string;
    readonly eventsByType: Readonly<Record<string, number>>;
    readonly aggregatesByFirstType: Readonly<Record<string, number>>;
    readonly aggregatesByLastType: Readonly<Record<string, number>>;
    readonly eventsPerAggregate: Readonly<Record<string, number>>;
    readonly recordedAt: Readonly<Record<string, string | number>>;
  };
  readonly totals: Sums;
  readonly canonicalSha256: string;
  readonly aggregates: readonly ExpectedAggregate[];
  readonly timeRanges: readonly ExpectedTimeRange[];
  readonly whenDid: readonly WhenDid[];
  readonly groundTruthFromGit: readonly GitTree[];
}

export interface History {
  readonly lines: readonly Change[];
  readonly expected: Expected;
}

export function readHistory(): History {
  const text = gunzipSync(readFileSync(historyFile)).toString('utf8');
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Change);
  return { lines, expected: JSON.parse(readFileSync(`${path}.expected.json`, 'utf8')) as Expected };
}
