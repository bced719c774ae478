import type { Account, Json } from '../cloud.ts';
import { parseExact } from './exact-json.ts';

/** An event on a bus: its text, as it is delivered, and what patterns are matched against. */
export interface BusEvent {
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly text: string;
  parsed(): Json;
  /** When the bus took it, for `aws.events.event.ingestion-time`. */
  readonly ingestedMs: number;
}

export interface EventParts {
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly timeMs: number;
  readonly resources: readonly string[];
  /** JSON text; it is delivered as it was given, so that no number loses digits. */
  readonly detail: string;
}

/** "2015-11-11T21:29:54Z": event times have whole seconds. */
export const isoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The event structure that all events have (user guide, "AWS service event structure"). */
export function makeEvent(account: Account, parts: EventParts, ingestedMs: number): BusEvent {
  const head = JSON.stringify({
    version: '0',
    id: parts.id,
    'detail-type': parts.detailType,
    source: parts.source,
    account: account.accountId,
    time: isoSeconds(parts.timeMs),
    region: account.region,
    resources: parts.resources,
  });
  const text = `${head.slice(0, -1)},"detail":${parts.detail}}`;
  return readEvent({ id: parts.id, source: parts.source, detailType: parts.detailType, text, ingestedMs });
}

export function readEvent({ id, source, detailType, text, ingestedMs }: Omit<BusEvent, 'parsed'>): BusEvent {
  let parsed: Json;
  return {
    id,
    source,
    detailType,
    text,
    /** Made when the first rule looks at it: most events of a store meet none. */
    parsed() {
      parsed ??= parseExact(text);
      return parsed;
    },
    ingestedMs,
  };
}

/** The event as a replay sends it again: "EventBridge adds the replay-name field". */
export function withReplayName(event: BusEvent, name: string): BusEvent {
  const text = event.text.replace(/^\{/, () => `{"replay-name":${JSON.stringify(name)},`);
  return { ...event, text, parsed: () => ({ ...event.parsed(), 'replay-name': name }) };
}
