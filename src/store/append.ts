import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { sameButTraceparent } from '../event/traceparent.ts';
import { pause } from './backoff.ts';
import { checkCommitId, checkOptions } from './check-input.ts';
import { BEFORE_FIRST, type Head, type StoreContext } from './context.ts';
import type { Commit, PutOutcome } from './event-table.ts';
import { type Change, checkCount, checkSizes, planChange, toStored } from './plan-commit.ts';
import { readHead, readRuns } from './read-runs.ts';
import { type ResolvedTarget, resolveTarget, type Target } from './target.ts';
import { versionConflict } from './version-conflict.ts';

export interface AppendOptions {
  /**
   * Marks the commit at its place, so that the same commit run again, also by another process, finds itself and succeeds.
   * It is recognised with the expected version of its first run (keep both with the command, and give both again), or
   * behind a new load while it is still the last commit. It is no idempotency key: at a later version, with other commits
   * in between, it is a new commit and is written again; what must happen once is remembered by the aggregate's state.
   * Text of 1–128 bytes, one per content; default a new UUID.
   */
  readonly commitId?: string;
}

/** What an append wrote. */
export interface Appended {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  readonly commitId: string;
  /** The first version that was written. */
  readonly from: number;
  /** The last version that was written: the aggregate's version now. */
  readonly version: number;
  readonly recordedAt: string;
  /** An earlier run of this very commit had written the events. */
  readonly alreadyWritten: boolean;
}

/** The events of one aggregate in a transaction. */
export interface TransactEntry {
  readonly target: Target;
  readonly events: readonly unknown[];
}

/** Writes the entries' events, all or none; one entry is an append. */
export async function append(
  context: StoreContext,
  entries: readonly TransactEntry[],
  options: AppendOptions,
): Promise<readonly Appended[]> {
  checkOptions('append', options, ['commitId']);
  if (options.commitId !== undefined) checkCommitId(options.commitId);
  const traceparent = context.trace();
  const changes = entries.map(({ target, events }) => planChange(resolveTarget(context, target), events, traceparent));
  checkEntries(changes, options.commitId);

  const commitId = options.commitId ?? context.newCommitId();
  const { attempts } = context.conflictBackoff;
  for (let attempt = 1; ; attempt++) {
    const result = await tryCommit(context, changes, commitId);
    if (result.outcome === 'written') return result.stored.map((stored) => toAppended(stored, false));
    if (result.outcome === 'alreadyWritten') {
      // Under a new id it was this very attempt, whose answer was lost.
      if (options.commitId !== undefined) return await readBack(context, result.stored);
      await checkOwn(context, result.stored);
      return result.stored.map((stored) => toAppended(stored, false));
    }
    const change = changes.find((c) => c.target.aggregateUuid === result.aggregateUuid)!;
    const { aggregateUuid, aggregateType, expected } = change.target;
    if (result.outcome === 'hole') {
      const head = await readHead(context.table, aggregateUuid, context.pauses);
      const hole = { aggregateUuid, aggregateType, expected: result.version, actual: head?.version ?? 0 };
      throw new DaybookError('append.hole', hole);
    }
    if (expected !== 'any') throw await versionConflict(context, change.target, expected, result.found);
    if (attempt >= attempts) {
      const actual = result.found?.version ?? result.version;
      throw new DaybookError('append.contended', { aggregateUuid, aggregateType, attempts, actual });
    }
    await pause(context.conflictBackoff, attempt, context.pauses);
  }
}

function checkEntries(changes: readonly Change[], commitId: string | undefined): void {
  checkCount(changes.reduce((sum, change) => sum + change.events.length, 0));
  const seen = new Set<string>();
  for (const { target } of changes) {
    const { aggregateUuid, aggregateType } = target;
    if (seen.has(aggregateUuid)) throw new DaybookError('append.duplicateAggregate', { aggregateUuid, aggregateType });
    seen.add(aggregateUuid);
    if (commitId !== undefined && target.expected === 'any') {
      throw new DaybookError('append.commitIdWithoutVersion', { aggregateUuid, aggregateType, commitId });
    }
  }
}

type CommitResult =
  | { readonly outcome: 'written'; readonly stored: readonly (readonly StoredEvent[])[] }
  | { readonly outcome: 'alreadyWritten'; readonly stored: readonly (readonly StoredEvent[])[] }
  | Exclude<PutOutcome, { readonly outcome: 'written' | 'alreadyWritten' }>;

/** One attempt: numbers the events behind the heads and puts them. */
export async function tryCommit(
  context: StoreContext,
  changes: readonly Change[],
  commitId: string,
): Promise<CommitResult> {
  const nowMs = context.now();
  const known = changes.map(({ target }) => target.head);
  const heads = known.includes(undefined)
    ? await Promise.all(changes.map(({ target }) => target.head ?? findHead(context, target)))
    : known;
  const stored: StoredEvent[][] = [];
  for (const [i, change] of changes.entries()) {
    const head = heads[i];
    if (head === undefined) {
      const { aggregateUuid, expected } = change.target;
      return { outcome: 'hole', aggregateUuid, version: expected as number };
    }
    stored.push(toStored(change, beforeOwn(head, change, commitId), commitId, nowMs));
  }
  const events = stored.length === 1 ? stored[0]! : stored.flat();
  checkSizes(events);
  const put = await putOrFind(context, { commitId, events });
  return put.outcome === 'written' || put.outcome === 'alreadyWritten' ? { outcome: put.outcome, stored } : put;
}

/** An aggregate loaded again ends with this very commit when its first run went through: then that is where it stands. */
function beforeOwn(head: Head, change: Change, commitId: string): Head {
  if (head.commitId !== commitId) return head;
  return { ...head, version: Math.max(0, head.version - change.events.length) };
}

/**
 * A put that failed, for whatever reason, may have been written all the same. Who holds its versions says what came of it;
 * while nobody does, it may yet arrive, and the failure is all there is to say.
 */
async function putOrFind(context: StoreContext, commit: Commit): Promise<PutOutcome> {
  try {
    return await context.table.put(commit);
  } catch (error) {
    for (const { aggregateUuid, version, commitFirst } of commit.events) {
      if (version !== commitFirst) continue;
      const found = await context.table.get(aggregateUuid, version).catch(() => undefined);
      if (found?.commitId === commit.commitId) return { outcome: 'alreadyWritten' };
      if (found !== undefined) return { outcome: 'conflict', aggregateUuid, version, found };
    }
    throw error;
  }
}

/**
 * The event that the new ones will follow; undefined when it is not there. Events are immutable, so what was seen once
 * stays true: a consistent read before the write is as good as a check in its transaction.
 */
async function findHead(context: StoreContext, target: ResolvedTarget): Promise<Head | undefined> {
  const { aggregateUuid, expected } = target;
  const event =
    expected === 'any'
      ? await readHead(context.table, aggregateUuid, context.pauses)
      : await context.table.get(aggregateUuid, expected);
  if (event === undefined) return expected === 'any' ? BEFORE_FIRST : undefined;
  if (event.aggregateType !== target.aggregateType) {
    throw new DaybookError('aggregate.wrongType', {
      aggregateUuid,
      expected: target.aggregateType,
      actual: event.aggregateType,
      version: event.version,
    });
  }
  return { version: event.version, recordedAt: event.recordedAt, commitId: event.commitId };
}

/** An application may give one commit id twice: then what was found need not be what was to be written. */
export async function checkOwn(context: StoreContext, stored: readonly (readonly StoredEvent[])[]): Promise<void> {
  if (!context.uniqueCommitIds) await readBack(context, stored);
}

/** What an earlier run of this commit wrote, which must be what this run would have written. */
async function readBack(
  context: StoreContext,
  commits: readonly (readonly StoredEvent[])[],
): Promise<readonly Appended[]> {
  const appended: Appended[] = [];
  for (const events of commits) {
    const { aggregateUuid, aggregateType, commitId, commitFirst: from, commitLast: to } = events[0]!;
    const found: StoredEvent[] = [];
    for await (const run of readRuns(context.table, aggregateUuid, { from, to }, context.pauses)) found.push(...run);
    const other = events.find((event, i) => !sameEvent(event, found[i]));
    if (other !== undefined) {
      throw new DaybookError('append.commitIdReused', {
        aggregateUuid,
        aggregateType,
        commitId,
        version: other.version,
      });
    }
    appended.push(toAppended(found, true));
  }
  return appended;
}

function sameEvent(a: StoredEvent, b: StoredEvent | undefined): boolean {
  return (
    b !== undefined &&
    a.commitId === b.commitId &&
    a.commitFirst === b.commitFirst &&
    a.commitLast === b.commitLast &&
    a.aggregateType === b.aggregateType &&
    a.type === b.type &&
    a.data === b.data &&
    sameButTraceparent(a.metadata, b.metadata) // a second run has a trace of its own
  );
}

function toAppended(events: readonly StoredEvent[], alreadyWritten: boolean): Appended {
  const { aggregateUuid, aggregateType, commitId, commitFirst: from, commitLast: version, recordedAt } = events[0]!;
  return { aggregateUuid, aggregateType, commitId, from, version, recordedAt, alreadyWritten };
}
