import type { Cloud, Json } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { type Bus, type Buses, busName, constraint, invalid } from './bus.ts';
import { deliver } from './deliver.ts';
import { type BusEvent, makeEvent } from './event.ts';
import { FORWARDED } from './target-call.ts';

// A trace header is taken and leads nowhere: nothing is traced here.
const ENTRY = ['Time', 'Source', 'Resources', 'DetailType', 'Detail', 'EventBusName', 'TraceHeader'];

// "The total entry size must be less than 1MB" (PutEvents).
const MAX_TOTAL_BYTES = 1_048_576;

/** Hears every event that a bus takes. */
export type BusListener = (bus: Bus, event: BusEvent) => void;

/** An entry on its way onto a bus, for whoever injects faults. */
export interface EntryAttempt {
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  /** Its place in the request. */
  readonly index: number;
}

/** Says which error an entry meets, or nothing. */
export type EntryIntercept = (attempt: EntryAttempt) => 'InternalFailure' | 'ThrottlingException' | undefined;

export interface EntryFaults {
  intercept: EntryIntercept | undefined;
}

export function putEventsOperations(cloud: Cloud, buses: Buses, heard: BusListener, faults: EntryFaults): Operations {
  return {
    PutEvents: operation(['Entries'], (input) => {
      const entries = input.Entries;
      if (!Array.isArray(entries) || entries.length === 0) {
        throw constraint('[]', 'entries', 'Member must have length greater than or equal to 1');
      }
      if (entries.length > 10) {
        throw constraint('[PutEventsRequestEntry]', 'entries', 'Member must have length less than or equal to 10');
      }
      if (entries.reduce((sum: number, entry: Json) => sum + sizeOf(entry), 0) >= MAX_TOTAL_BYTES) {
        throw invalid('Total size of the entries in the request is over the limit.');
      }
      const forwarded: BusEvent | undefined = input[FORWARDED];
      let failed = 0;
      const results = entries.map((entry: Json, index: number) => {
        const refusal = forwarded === undefined ? (refuse(entry) ?? fault(faults, entry, index)) : undefined;
        if (refusal !== undefined) {
          failed++;
          return { ErrorCode: refusal[0], ErrorMessage: refusal[1] };
        }
        const event = forwarded ?? eventOf(cloud, entry);
        publish(cloud, buses, busName(entry.EventBusName), event, heard);
        return { EventId: event.id };
      });
      return { FailedEntryCount: failed, Entries: results };
    }),
  };
}

/** "Calculating PutEvents event entry size": 14 bytes for a time, and the UTF-8 bytes of the rest. */
function sizeOf(entry: Json): number {
  const bytes = (text: Json) => (typeof text === 'string' ? Buffer.byteLength(text) : 0);
  let size = entry.Time === undefined ? 0 : 14;
  size += bytes(entry.Source) + bytes(entry.DetailType) + bytes(entry.Detail);
  for (const resource of entry.Resources ?? []) size += bytes(resource);
  return size;
}

/** Why an entry is not taken: its code and message. */
function refuse(entry: Json): readonly [string, string] | undefined {
  for (const name of Object.keys(entry)) {
    const value = entry[name];
    if (value === undefined || value === null || ENTRY.includes(name)) continue;
    throw invalid(`PutEvents: the parameter ${name} of an entry is not supported here`);
  }
  for (const name of ['Source', 'DetailType', 'Detail']) {
    if (typeof entry[name] === 'string' && entry[name] !== '') continue;
    return ['InvalidArgument', `Parameter ${name} is not valid. Reason: ${name} is a required argument.`];
  }
  // "Free-form string, with a maximum of 128 characters."
  if (entry.DetailType.length > 128) {
    return ['InvalidArgument', 'Parameter DetailType is not valid. Reason: DetailType must be at most 128 characters.'];
  }
  if (/^aws\./.test(entry.Source)) return ['NotAuthorizedForSourceException', 'Not authorized for the source.'];
  if (!isJsonObject(entry.Detail)) return ['MalformedDetail', 'Detail is malformed.'];
  return undefined;
}

function fault({ intercept }: EntryFaults, entry: Json, index: number): readonly [string, string] | undefined {
  const { EventBusName, Source: source, DetailType: detailType } = entry;
  const code = intercept?.({ bus: busName(EventBusName), source, detailType, index });
  return code && [code, code === 'ThrottlingException' ? 'Rate exceeded' : 'Internal failure'];
}

function isJsonObject(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function eventOf(cloud: Cloud, entry: Json): BusEvent {
  const now = cloud.kernel.clock.now();
  return makeEvent(
    cloud.account,
    {
      id: cloud.kernel.random.uuid(),
      source: entry.Source,
      detailType: entry.DetailType,
      timeMs: typeof entry.Time === 'number' ? entry.Time * 1000 : now,
      resources: entry.Resources ?? [],
      detail: entry.Detail,
    },
    now,
  );
}

/** Matches the event against the rules of the bus and starts its deliveries. */
function publish(cloud: Cloud, buses: Buses, name: string, event: BusEvent, heard: BusListener): void {
  const bus = buses.byName.get(name);
  const { source, detailType } = event;
  if (bus === undefined) {
    // As on AWS the sender is not told.
    cloud.trace.note('events', 'event dropped', { bus: name, event: event.id, reason: 'there is no such bus' });
    return;
  }
  cloud.trace.note('events', 'event put', { bus: name, event: event.id, source, detailType });
  heard(bus, event);
  matchRules(cloud, buses, bus, event);
}

/** Delivers the event to the targets of every rule that matches it; `only` names the rules to try, by ARN. */
export function matchRules(cloud: Cloud, buses: Buses, bus: Bus, event: BusEvent, only?: readonly string[]): void {
  for (const rule of bus.rules.values()) {
    if (rule.state === 'DISABLED' || rule.matches === undefined || !rule.matches(event.parsed())) continue;
    if (only !== undefined && !only.includes(rule.arn)) continue;
    cloud.trace.note('events', 'rule matched', { bus: bus.name, rule: rule.name, event: event.id });
    for (const target of rule.targets.values()) deliver(cloud, buses.keeper, rule, target, event);
  }
}
