import { DaybookError } from '../../errors.ts';
import type { StoredEvent } from '../../event/stored-event.ts';
import { BUS_SOURCE } from '../event-bus.ts';

/** What a bus event says of an event, and the event itself where it came along. */
export interface BusNotice {
  readonly feed: string;
  readonly aggregate: string;
  readonly version: number;
  /** Absent when the bus event is a reference: then the events table has it. */
  readonly event?: StoredEvent;
}

/** Reads an event as EventBridge delivers it. Refuses with `feed.messageUnknown` what no Daybook publisher sent. */
export function readBusEvent(given: unknown): BusNotice {
  const message = given as { source?: unknown; detail?: unknown } | null;
  if (typeof message !== 'object' || message === null) throw unknown('it is no JSON object');
  if (message.source !== BUS_SOURCE) throw unknown(`its source is not "${BUS_SOURCE}"`);
  const { detail } = message;
  if (typeof detail !== 'object' || detail === null) throw unknown('it has no detail');
  const { feed, aggregateUuid, version, reference, data, metadata, ...rest } = detail as Record<string, unknown>;
  if (typeof feed !== 'string') throw unknown('its detail names no feed');
  if (typeof aggregateUuid !== 'string' || aggregateUuid === '') throw unknown('its detail names no aggregate');
  if (!Number.isSafeInteger(version) || (version as number) < 1) throw unknown('its detail has no version');
  const notice = { feed, aggregate: aggregateUuid, version: version as number };
  if (reference !== undefined) return notice;
  const { aggregateType, type, schemaVersion, commitId, recordedAt, occurredAt } = rest;
  if (data === undefined) throw unknown('its detail has no data');
  for (const text of [aggregateType, type, commitId, recordedAt, occurredAt]) {
    if (typeof text !== 'string') throw unknown('its detail lacks a part or has one of a wrong type');
  }
  if (!Number.isSafeInteger(schemaVersion)) throw unknown('its detail has no schema version');
  const event = {
    ...(rest as Pick<
      StoredEvent,
      'aggregateType' | 'type' | 'schemaVersion' | 'commitId' | 'recordedAt' | 'occurredAt'
    >),
    aggregateUuid,
    version: notice.version,
    commitFirst: notice.version,
    commitLast: notice.version,
    data: JSON.stringify(data),
    ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
  };
  return { ...notice, event };
}

function unknown(problem: string): DaybookError<'feed.messageUnknown'> {
  return new DaybookError('feed.messageUnknown', { problem });
}
