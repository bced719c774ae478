import type { StoredEvent } from '../event/stored-event.ts';
import type { CheckedRange, CheckedRequest } from './request.ts';

/** Does it ask for everything? Then it rebuilds the projection; what is bounded makes a report beside it. */
export function isWholeHistory({ range, types }: Asked): boolean {
  return range.kind === 'all' && types === undefined;
}

interface Asked {
  readonly range: CheckedRange;
  readonly types?: readonly string[] | undefined;
}

/** Does this event count? Order is by version whatever the clock says, so a range of times only chooses. */
export function countsIn(request: CheckedRequest): (event: StoredEvent) => boolean {
  const { types } = request;
  const inRange = countsInRange(request);
  if (types === undefined) return inRange;
  const wanted = new Set(types);
  return (event) => wanted.has(event.type) && inRange(event);
}

function countsInRange({ range, seed }: CheckedRequest): (event: StoredEvent) => boolean {
  const fromBefore = seed === 'before';
  switch (range.kind) {
    case 'all':
      return () => true;
    case 'versions': {
      const { from, to = Number.MAX_SAFE_INTEGER } = range;
      return ({ version }) => version <= to && (fromBefore || version >= from);
    }
    case 'times': {
      const { from, to } = range;
      const at =
        range.clock === 'recorded'
          ? (event: StoredEvent) => event.recordedAt
          : (event: StoredEvent) => event.occurredAt;
      // Both sides are ISO 8601 in UTC with milliseconds, so text compares as time does.
      return (event) => (to === undefined || at(event) <= to) && (fromBefore || at(event) >= from);
    }
  }
}

/** The last version that is looked at: only a range of versions ends before an aggregate's head. */
export function lastVersion({ range }: CheckedRequest): number {
  return range.kind === 'versions' ? (range.to ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
}
