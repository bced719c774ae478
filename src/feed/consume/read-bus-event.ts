import '../errors.ts';
import { DaybookError } from '../../errors.ts';
import type { RecordedEvent } from '../../event/recorded-event.ts';
import { BUS_SOURCE } from '../event-bus.ts';

/** What a bus event says of an event, and the event itself where it came along. */
export interface BusNotice {
  readonly feed: string;
  readonly aggregate: string;
  readonly version: number;
  /** The versions up to it were there before the feed began, and are on no bus. */
  readonly base: number;
  /** Its data parsed, as it came. Absent when the bus event is a reference: then the events table has it. */
  readonly event?: RecordedEvent;
}

/** Reads an event as EventBridge delivers it. Refuses with `feed.messageUnknown` what no Daybook publisher sent. */
export function readBusEvent(given: unknown): BusNotice {
  const message = given as { source?: unknown; detail?: unknown } | null;
  if (typeof message !== 'object' || message === null) throw unknown('it is no JSON object');
  if (message.source !== BUS_SOURCE) throw unknown(`its source is not "${BUS_SOURCE}"`);
  const { detail } = message;
  if (typeof detail !== 'object' || detail === null) throw unknown('it has no detail');
  const {
    feed,
    aggregateUuid,
    version,
    base = 0,
    reference,
    data,
    metadata,
    ...rest
  } = detail as Record<string, unknown>;
  if (typeof feed !== 'string') throw unknown('its detail names no feed');
  if (typeof aggregateUuid !== 'string' || aggregateUuid === '') throw unknown('its detail names no aggregate');
  if (!Number.isSafeInteger(version) || (version as number) < 1) throw unknown('its detail has no version');
  if (!Number.isSafeInteger(base) || (base as number) < 0) throw unknown('its detail has a base that is no version');
  const notice = { feed, aggregate: aggregateUuid, version: version as number, base: base as number };
  if (reference !== undefined) return notice;
  const { aggregateType, type, schemaVersion, commitId, recordedAt, occurredAt } = rest;
  if (data === undefined) throw unknown('its detail has no data');
  for (const text of [aggregateType, type, commitId, recordedAt, occurredAt]) {
    if (typeof text !== 'string') throw unknown('its detail lacks a part or has one of a wrong type');
  }
  if (!Number.isSafeInteger(schemaVersion)) throw unknown('its detail has no schema version');
  // Always the same fields in the same order, as the decoder makes them.
  const event = {
    aggregateUuid,
    aggregateType,
    version: notice.version,
    type,
    data,
    metadata,
    schemaVersion,
    recordedAt,
    occurredAt,
    commitId,
  } as RecordedEvent;
  return { ...notice, event };
}

function unknown(problem: string): DaybookError<'feed.messageUnknown'> {
  return new DaybookError('feed.messageUnknown', { problem });
}
