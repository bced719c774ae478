import './errors.ts';
import { DaybookError } from '../errors.ts';
import { type EncodedEvent, encodeEvent, typeOfNewEvent } from '../event/encode-event.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { checkVersion } from './check-input.ts';
import type { Head } from './context.ts';
import { itemSize, MAX_COMMIT_EVENTS, MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES, transactionSize } from './item-size.ts';
import type { ResolvedTarget } from './target.ts';

/** A target's events, validated and made into text: all that can be done before its head is known. */
export interface Change {
  readonly target: ResolvedTarget;
  readonly events: readonly EncodedEvent[];
}

export function planChange(target: ResolvedTarget, events: readonly unknown[], traceparent?: string): Change {
  const { aggregateUuid, aggregateType, definition } = target;
  if (!Array.isArray(events) || events.length === 0) {
    throw new DaybookError('append.noEvents', { aggregateUuid, aggregateType });
  }
  checkCount(events.length);
  const encoded: EncodedEvent[] = [];
  for (let i = 0; i < events.length; i++) {
    const position = i + 1;
    const type = typeOfNewEvent(events[i], position);
    const event = definition && eventOf(definition, type, aggregateUuid);
    encoded.push(encodeEvent(events[i], event, position, traceparent));
  }
  return { target, events: encoded };
}

export function checkCount(given: number): void {
  if (given > MAX_COMMIT_EVENTS) {
    throw new DaybookError('append.tooManyEvents', { given, limit: MAX_COMMIT_EVENTS });
  }
}

function eventOf(
  aggregate: { readonly type: string; readonly events: readonly AnyEvent[] },
  type: string,
  aggregateUuid: string,
): AnyEvent {
  for (const event of aggregate.events) if (event.type === type) return event;
  const known = aggregate.events.map((event) => event.type);
  throw new DaybookError('event.unknownType', { aggregateType: aggregate.type, aggregateUuid, type, known });
}

/** The events as they will be stored behind `head`. No event's time of recording is lower than its predecessor's. */
export function toStored(change: Change, head: Head, commitId: string, nowMs: number): StoredEvent[] {
  const { aggregateUuid, aggregateType } = change.target;
  let recordedAt = new Date(nowMs).toISOString();
  if (recordedAt < head.recordedAt) recordedAt = head.recordedAt;
  const commitFirst = head.version + 1;
  const commitLast = head.version + change.events.length;
  checkVersion('the last version of the commit', commitLast, 1);
  return change.events.map((event, i) => ({
    aggregateUuid,
    aggregateType,
    version: commitFirst + i,
    type: event.type,
    schemaVersion: event.schemaVersion,
    commitId,
    commitFirst,
    commitLast,
    recordedAt,
    occurredAt: event.occurredAt ?? recordedAt,
    data: event.data,
    ...(event.metadata !== undefined && { metadata: event.metadata }),
  }));
}

/** Refuses what DynamoDB would refuse, before the call, with the size and the limit. */
export function checkSizes(events: readonly StoredEvent[]): void {
  let total = 0;
  for (const event of events) {
    // In UTF-8 no character of JSON text has more than three bytes per UTF-16 unit: most events need no counting.
    const ceiling = (event.data.length + (event.metadata?.length ?? 0)) * 3 + ROOM_FOR_THE_REST;
    const size = ceiling <= SMALL ? ceiling : itemSize(event);
    if (size > MAX_ITEM_BYTES) {
      const { aggregateUuid, aggregateType, version, type } = event;
      throw new DaybookError('append.itemTooLarge', {
        aggregateUuid,
        aggregateType,
        version,
        type,
        size,
        limit: MAX_ITEM_BYTES,
      });
    }
    total += size + ROOM_FOR_THE_CONDITION;
  }
  if (events.length > 1 && total > MAX_TRANSACTION_BYTES) {
    const size = events.reduce((sum, event) => sum + transactionSize(event), 0);
    if (size > MAX_TRANSACTION_BYTES) {
      throw new DaybookError('append.transactionTooLarge', {
        events: events.length,
        size,
        limit: MAX_TRANSACTION_BYTES,
      });
    }
  }
}

/** Names, numbers, times, and the longest id, types and commit id that are allowed. */
const ROOM_FOR_THE_REST = 1200;

const ROOM_FOR_THE_CONDITION = 50;

/** A hundred of these fit in a transaction, whatever else. */
const SMALL = 40 * 1024;
