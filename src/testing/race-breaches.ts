import type { StoredEvent } from '../event/stored-event.ts';
import { keyOf, type Told } from './race-writers.ts';

/** Everything that is wrong with the events that a race left, in words. */
export function findBreaches(events: readonly StoredEvent[], told: Told): string[] {
  return [...chainBreaches(events), ...overwrites(events, told), ...commitBreaches(events, told)];
}

/** Versions 1, 2, 3 …, whole commits, times of recording that never fall. */
function* chainBreaches(events: readonly StoredEvent[]): Generator<string> {
  let before: StoredEvent | undefined;
  for (const event of events) {
    const first = before?.aggregateUuid !== event.aggregateUuid;
    const previous = first ? undefined : before;
    const expected = (previous?.version ?? 0) + 1;
    if (event.version !== expected) {
      yield `version ${keyOf({ ...event, version: expected })} is missing, ${event.version} is there`;
    }
    if (previous !== undefined && event.recordedAt < previous.recordedAt) {
      yield `version ${keyOf(event)} was recorded at ${event.recordedAt}, its predecessor at ${previous.recordedAt}`;
    }
    if (
      before !== undefined &&
      (first || event.version === event.commitFirst) &&
      before.version !== before.commitLast
    ) {
      yield `commit ${before.commitId} ends with version ${keyOf(before)}, not with ${before.commitLast}`;
    }
    before = event;
  }
  if (before !== undefined && before.version !== before.commitLast) {
    yield `commit ${before.commitId} ends with version ${keyOf(before)}, not with ${before.commitLast}`;
  }
}

/** What was taken once is there for good. */
function* overwrites(events: readonly StoredEvent[], { put }: Told): Generator<string> {
  const there = new Map(events.map((event) => [keyOf(event), event]));
  for (const [key, event] of put) {
    const found = there.get(key);
    if (found === undefined) yield `version ${key} was taken from commit ${event.commitId} and is gone`;
    else if (found.commitId !== event.commitId || found.data !== event.data) {
      yield `version ${key} was taken from commit ${event.commitId} and overwritten by ${found.commitId}`;
    }
  }
}

/** Each commit is there once, where its writer was told; one that no writer was told of is one whose answer was lost. */
function* commitBreaches(events: readonly StoredEvent[], { commits, inDoubt, attempted }: Told): Generator<string> {
  const stored = new Map<string, string[]>();
  for (const event of events) stored.set(event.commitId, [...(stored.get(event.commitId) ?? []), keyOf(event)]);
  for (const [commitId, versions] of commits) {
    const said = versions.map(keyOf).sort();
    const found = (stored.get(commitId) ?? []).sort();
    if (said.join() !== found.join()) {
      yield `commit ${commitId} was said to be version ${said.join(', ')}; in the table it is ${found.join(', ') || 'not there'}`;
    }
  }
  for (const [commitId, versions] of stored) {
    if (attempted.has(commitId) && !commits.has(commitId) && !inDoubt.has(commitId)) {
      yield `commit ${commitId}, version ${versions.join(', ')}, is in the table and no writer was told`;
    }
  }
}
