import { addMessages } from '../errors.ts';
import { quoted } from '../event/errors.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';

/** An aggregate as messages name it. */
export interface Named {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
}

const named = (d: Named) => `${d.aggregateType} ${quoted(d.aggregateUuid)}`;
const textOf = (most: number) => `allowed is text of 1 to ${most} bytes without control characters`;
const FOREIGN = '; something else than Daybook wrote or removed events';
const bytes = (n: number) => `${n.toLocaleString('en')} bytes`;

/** The store error codes: each makes its message from its details. */
export const storeErrors = {
  'aggregate.badId': (d: { given: unknown; problem: string }) =>
    `${quoted(d.given)} cannot be an aggregate id: ${d.problem}; ${textOf(256)}`,
  'aggregate.badType': (d: { given: unknown; problem: string }) =>
    `${quoted(d.given)} cannot be an aggregate type: ${d.problem}; ${textOf(128)}`,
  'aggregate.wrongType': (d: { aggregateUuid: string; expected: string; actual: string; version: number }) =>
    `${quoted(d.aggregateUuid)} has the type ${d.actual} (version ${d.version} says so), not ${d.expected}; it cannot change`,
  'version.notAllowed': (d: { what: string; given: unknown; least: number }) =>
    `${d.what} is ${typeof d.given === 'string' ? JSON.stringify(d.given) : String(d.given)}; allowed are whole numbers from ${d.least} to ${Number.MAX_SAFE_INTEGER}`,
  'limit.notAllowed': (d: { given: unknown }) => `limit is ${String(d.given)}; allowed are whole numbers from 1`,
  'time.notAllowed': (d: { what: string; given: unknown; problem: string }) =>
    `${d.what} is ${String(d.given)}; ${d.problem}`,
  'range.reversed': (d: { from: number | string; to: number | string }) =>
    `the range [${d.from}..${d.to}] ends before it starts; give the smaller end first (read takes reverse: true to go backwards)`,
  'option.unknown': (d: { verb: string; option: string; allowed: readonly string[] }) =>
    `${d.verb} has no option ${JSON.stringify(d.option)}; there are ${d.allowed.join(', ')}`,
  'option.notAllowed': (d: { verb: string; option: string; given: unknown; allowed: string }) =>
    `option ${d.option} of ${d.verb} is ${quoted(d.given)}; allowed is ${d.allowed}`,

  'append.noTarget': (d: { problem: string }) =>
    `append needs a loaded aggregate, or { aggregate, aggregateUuid, expectedVersion }: ${d.problem}`,
  'append.noExpectedVersion': (d: Named) =>
    `append to ${named(d)} does not say which version it expects; give expectedVersion (0 for a new aggregate), or 'any' to append unchecked`,
  'append.noEvents': (d: Named) => `append to ${named(d)} was given no events; give 1 to 100`,
  'append.tooManyEvents': (d: { given: number; limit: number }) =>
    `the commit has ${d.given} events; at most ${d.limit} can be written atomically, split it where the domain allows`,
  'append.duplicateAggregate': (d: Named) =>
    `the transaction names ${named(d)} twice; give all its events in one entry`,
  'append.badCommitId': (d: { given: unknown; problem: string }) =>
    `${quoted(d.given)} cannot be a commit id: ${d.problem}; ${textOf(128)}`,
  'append.commitIdWithoutVersion': (d: Named & { commitId: string }) =>
    `commit ${d.commitId} to ${named(d)} has expectedVersion 'any': run again it could not be recognised; give the version that it follows`,
  'append.commitIdReused': (d: Named & { commitId: string; version: number }) =>
    `commit ${d.commitId} is already stored at version ${d.version} of ${named(d)} with other events; a commit id stands for one content`,
  'append.itemTooLarge': (d: Named & { version: number; type: string; size: number; limit: number }) =>
    `${d.type} (version ${d.version} of ${named(d)}) would be an item of ${bytes(d.size)}; DynamoDB takes ${bytes(d.limit)}: keep large content in S3 and its key in the event`,
  'append.transactionTooLarge': (d: { events: number; size: number; limit: number }) =>
    `the commit's ${d.events} events have ${bytes(d.size)}; DynamoDB takes ${bytes(d.limit)} in a transaction: split the commit where the domain allows`,
  /** `events`: what came between, the first 100 of it; `more`: there are further ones up to `actual`. */
  'append.versionConflict': (
    d: Named & { expected: number; actual: number; events: readonly RecordedEvent[]; more: boolean },
  ) =>
    `${named(d)} was expected at version ${d.expected} and is at ${d.actual} (${summary(d.events, d.more)}); load it again and decide anew, or use handle`,
  'append.hole': (d: Named & { expected: number; actual: number }) =>
    `${named(d)} was expected at version ${d.expected} but ends at ${d.actual}: load it again, this would leave a hole`,
  'append.contended': (d: Named & { attempts: number; actual: number }) =>
    `${named(d)} moved on under each of ${d.attempts} attempts and is at version ${d.actual}; try later, or spread the writers`,

  'read.hole': (d: { aggregateUuid: string; version: number; attempts: number }) =>
    `version ${d.version} of ${quoted(d.aggregateUuid)} is missing while later ones are there, after ${d.attempts} reads${FOREIGN}`,
  'read.tornCommit': (d: {
    aggregateUuid: string;
    commitId: string;
    version: number;
    commitFirst: number;
    commitLast: number;
    attempts: number;
  }) =>
    `version ${d.version} of commit ${d.commitId} [${d.commitFirst}..${d.commitLast}] of ${quoted(d.aggregateUuid)} did not appear in ${d.attempts} reads${FOREIGN}`,
  'read.notThere': (d: { aggregateUuid: string; version: number; actual: number }) =>
    `${quoted(d.aggregateUuid)} has no version ${d.version}; its last is ${d.actual}`,
  'store.noArchive': (_: Record<string, never>) =>
    'readAll reads the archive, and this store was made without one: createEventStore({ table, archive: s3EventArchive(…) }), which is in daybook/archive',
};

function summary(events: readonly RecordedEvent[], more: boolean): string {
  if (events.length === 0) return 'the events between could not be read';
  const shown = events.slice(0, 5).map((event) => `${event.version} ${event.type}`);
  return shown.join(', ') + (events.length > 5 || more ? ', …' : '');
}

addMessages(storeErrors);
