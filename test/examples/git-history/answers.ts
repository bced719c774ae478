import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { FileState } from '../../../examples/git-history/file.ts';

/** The history and its answers, computed elsewhere with plain Python and in SQL; beside the repository, where it is there. */
const folder = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
export const HISTORY = `${folder}git-fast-check.jsonl.gz`;
export const hasHistory = existsSync(HISTORY);

export interface Totals {
  readonly events: number;
  readonly byType: Record<string, number>;
  readonly linesAdded: number;
  readonly linesDeleted: number;
  readonly netLines: number;
}

/** The expected state, by the names of the answers. */
export interface ExpectedState {
  readonly version: number;
  readonly exists: boolean;
  readonly authors: number;
  readonly lastRecordedAt: string;
  readonly [field: string]: unknown;
}

export interface Answers {
  readonly canonicalSha256: string;
  readonly general: { readonly events: number; readonly aggregates: number };
  readonly totals: Totals;
  readonly aggregates: readonly {
    readonly aggregateUuid: string;
    readonly stateAfterAll: ExpectedState;
    readonly prefixes: readonly { readonly k: number; readonly state: ExpectedState }[];
    readonly ranges: readonly {
      readonly a: number;
      readonly b: number;
      readonly stateBefore: ExpectedState | null;
      readonly inRange: Totals;
      readonly stateAfter: ExpectedState;
    }[];
    readonly asOf: readonly {
      readonly at: string;
      readonly lastVersion: number;
      readonly state: ExpectedState | null;
    }[];
  }[];
  readonly timeRanges: readonly {
    readonly from: string;
    readonly to: string;
    readonly aggregates: number;
    readonly inRange: Totals;
    readonly commits: number;
    readonly authors: number;
    readonly byAuthorTop20: readonly {
      readonly authorHash: string;
      readonly events: number;
      readonly linesAdded: number;
      readonly linesDeleted: number;
      readonly netLines: number;
    }[];
  }[];
  readonly whenDid: readonly {
    readonly aggregateUuid: string;
    readonly question: string;
    readonly predicate: Predicate;
    readonly answer: {
      readonly version: number;
      readonly recordedAt: string;
      readonly type: string;
      readonly commit: string;
    } | null;
  }[];
  readonly groundTruthFromGit: readonly {
    readonly commit: string;
    readonly eventsUpToAndWithIt: number;
    readonly liveFiles: number;
    readonly sortedPathsSha256: string;
    readonly neverBinaryFiles: number;
    readonly linesInNeverBinaryFiles: number;
  }[];
}

export type Predicate =
  | { readonly kind: 'nthOfType'; readonly type: string; readonly n: number }
  | { readonly kind: 'pathBecame'; readonly path: string }
  | { readonly kind: 'stateReached'; readonly field: string; readonly atLeast: number }
  | { readonly kind: 'firstByAuthor'; readonly authorHash: string };

export interface Line {
  readonly aggregateUuid: string;
  readonly version: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly data: {
    readonly linesAdded: number;
    readonly linesDeleted: number;
    readonly authorHash: string;
    readonly binary?: boolean;
  };
}

export const readAnswers = (): Answers => JSON.parse(readFileSync(`${folder}git-fast-check.expected.json`, 'utf8'));

export const readLines = (): Line[] =>
  gunzipSync(readFileSync(HISTORY))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A fold's state in the words of the answers. */
export function inTheirWords(version: number, state: FileState): Record<string, unknown> {
  const { authors, lastOccurredAt, ...rest } = state;
  return {
    version,
    ...rest,
    netLines: state.linesAdded - state.linesDeleted,
    authors: authors.length,
    lastRecordedAt: lastOccurredAt, // what the history calls recorded is when it occurred
  };
}

/** Sums over events, in the words of the answers. */
export function sumUp(events: readonly { readonly type: string; readonly data: Line['data'] }[]): Totals {
  const byType: Record<string, number> = {};
  let linesAdded = 0;
  let linesDeleted = 0;
  for (const { type, data } of events) {
    byType[type] = (byType[type] ?? 0) + 1;
    linesAdded += data.linesAdded;
    linesDeleted += data.linesDeleted;
  }
  return { events: events.length, byType, linesAdded, linesDeleted, netLines: linesAdded - linesDeleted };
}
