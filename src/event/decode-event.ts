import { DaybookError } from '../errors.ts';
import { validatorFor } from '../schema/validate.ts';
import type { AnyEvent, EventOf } from './event-definition.ts';
import type { RecordedEvent } from './recorded-event.ts';
import type { StoredEvent } from './stored-event.ts';

/** Makes events of stored ones: parses, upcasts, and validates when told so; undefined for an event that is none of the definitions. */
export interface EventDecoder<Events extends AnyEvent> {
  readonly types: ReadonlySet<string>;
  decode(stored: StoredEvent): EventOf<Events> | undefined;
  /** Can `take` make an event of it? What has to be upcast is decoded from what is stored. */
  takes(event: Pick<RecordedEvent, 'type' | 'schemaVersion'>): boolean;
  /** The same for an event whose data came parsed, as from a bus: nothing is parsed or made into text again. */
  take(event: RecordedEvent): EventOf<Events> | undefined;
}

/**
 * The decoder of a list of definitions: what folds, projections and replays read through.
 *
 * @example
 * const decoder = eventDecoder(Account.events);
 * const event = decoder.decode(stored); // data upcast to the definition's schema version
 */
export function eventDecoder<Events extends AnyEvent>(
  events: readonly Events[],
  options: { readonly validate?: boolean } = {},
): EventDecoder<Events> {
  const byType = new Map(events.map((event) => [event.type, event]));
  return {
    types: new Set(byType.keys()),
    takes: ({ type, schemaVersion }) => (byType.get(type)?.schemaVersion ?? schemaVersion) === schemaVersion,
    take(event) {
      const definition = byType.get(event.type);
      if (definition === undefined) return undefined;
      if (options.validate === true) validate(event, definition);
      return event as EventOf<Events>;
    },
    decode(stored) {
      const definition = byType.get(stored.type);
      if (definition === undefined) return undefined;
      const event =
        stored.schemaVersion === definition.schemaVersion
          ? decodeStored(stored)
          : upcast(decodeStored(stored), stored, definition);
      if (options.validate === true) validate(event, definition);
      // The data was validated against this definition's schema when it was written, or was upcast to it.
      return event as EventOf<Events>;
    },
  };
}

const decoders = new WeakMap<readonly AnyEvent[], EventDecoder<AnyEvent>>();

/** The decoder of a list of definitions, made once for the list. */
export function decoderOf<Events extends AnyEvent>(events: readonly Events[]): EventDecoder<Events> {
  let decoder = decoders.get(events) as EventDecoder<Events> | undefined;
  if (decoder === undefined) {
    decoder = eventDecoder(events);
    decoders.set(events, decoder);
  }
  return decoder;
}

/** A stored event with its data and metadata parsed, as it was written: not upcast, not validated. */
export function decodeStored(stored: StoredEvent): RecordedEvent {
  // Always the same fields in the same order: the folds that read them stay fast.
  return {
    aggregateUuid: stored.aggregateUuid,
    aggregateType: stored.aggregateType,
    version: stored.version,
    type: stored.type,
    data: parse(stored, 'data', stored.data),
    metadata: stored.metadata === undefined ? undefined : parse(stored, 'metadata', stored.metadata),
    schemaVersion: stored.schemaVersion,
    recordedAt: stored.recordedAt,
    occurredAt: stored.occurredAt,
    commitId: stored.commitId,
  };
}

function parse(stored: StoredEvent, part: 'data' | 'metadata', text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { aggregateUuid, version, type } = stored;
    throw new DaybookError('event.corrupt', { aggregateUuid, version, type, part }, { cause });
  }
}

function upcast(event: RecordedEvent, stored: StoredEvent, definition: AnyEvent): RecordedEvent {
  const { aggregateUuid, version, type } = stored;
  const known = definition.schemaVersion;
  if (stored.schemaVersion > known) {
    throw new DaybookError('event.newerSchema', { aggregateUuid, version, type, stored: stored.schemaVersion, known });
  }
  let { data } = event;
  for (let from = stored.schemaVersion; from < known; from++) {
    try {
      const upcast = definition.upcasts[from];
      if (upcast === undefined) throw new TypeError('there is no upcast from this version');
      data = upcast(data, stored);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DaybookError('event.upcastFailed', { aggregateUuid, version, type, from, reason }, { cause });
    }
  }
  return { ...event, data, schemaVersion: known };
}

function validate(event: RecordedEvent, definition: AnyEvent): void {
  const { aggregateUuid, version, type } = event;
  for (const part of ['data', 'metadata'] as const) {
    if (part === 'metadata' && event.metadata === undefined) continue;
    const { issues } = validatorFor(definition, part)(event[part]);
    if (issues !== undefined) throw new DaybookError('event.invalid', { type, part, aggregateUuid, version, issues });
  }
}
