import './errors.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import { decodeStored, eventDecoder } from '../event/decode-event.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { checkOptions, checkTimeRange } from './check-input.ts';
import { type TimeClock, timeOf } from './ranges.ts';

/** Which stored events of all aggregates. */
export interface WantedEvents {
  /** Undefined: of all types. */
  readonly types: readonly string[] | undefined;
  /** ISO 8601 with milliseconds, included; '' for an open end. */
  readonly since: string;
  /** Included; '~' for an open end. */
  readonly until: string;
  readonly clock: TimeClock;
}

/** Which events of all aggregates. */
export interface ReadAllOptions<Type extends AnyEvent | string = AnyEvent | string> {
  /** The first instant, included: ISO 8601 text with a zone, or a Date. Default open. */
  readonly from?: string | Date;
  /** The last instant, included. Default open. */
  readonly to?: string | Date;
  /** Which of an event's times `from` and `to` mean. Default `occurred`. */
  readonly clock?: TimeClock;
  /**
   * Definitions: only their events, upcast and typed, as `load` gives them. Names: only events of these types, as they were
   * written. Default all, as they were written.
   */
  readonly types?: readonly Type[];
  /** Check each event against its definition's schema after upcasting; needs definitions. Default false. */
  readonly validate?: boolean;
  /**
   * What to do with an event that cannot be given: its text is no JSON (`event.corrupt`), an upcast failed, it is of a later
   * schema version, or not valid where `validate` is given. Default: the reading throws. A function is told of each, and the
   * reading goes on without it; count what it is told. What it throws ends the reading.
   */
  readonly onBadEvent?: 'throw' | ((bad: BadEvent) => void);
}

/** An event that is left out, as it is stored. */
export interface BadEvent {
  readonly code: BadEventCode;
  readonly error: DaybookError;
  /** Its aggregate, version, type and times; `data` and `metadata` are the text that was appended. */
  readonly stored: StoredEvent;
}

const BAD_EVENT_CODES = ['event.corrupt', 'event.upcastFailed', 'event.newerSchema', 'event.invalid'] as const;
export type BadEventCode = (typeof BAD_EVENT_CODES)[number];

const OPTIONS = ['from', 'to', 'clock', 'types', 'validate', 'onBadEvent'];

/** Checks the options, and decodes what is read by them, a run of stored events at a time. */
export function readAll(
  runsOf: (wanted: WantedEvents) => AsyncIterable<readonly StoredEvent[]>,
  options: ReadAllOptions,
): AsyncIterable<RecordedEvent> {
  checkOptions('readAll', options, OPTIONS);
  const { from, to, clock, types, validate = false, onBadEvent = 'throw' } = options;
  const asked = {
    ...(from !== undefined && { since: from }),
    ...(to !== undefined && { until: to }),
    ...(clock !== undefined && { clock }),
  };
  const range = checkTimeRange('readAll', asked, ['from', 'to']);
  const definitions = types?.filter((type): type is AnyEvent => (type as AnyEvent)?.kind === 'event') ?? [];
  const named = definitions.length === 0 && types?.every((type) => typeof type === 'string');
  if (types !== undefined && !named && (definitions.length !== types.length || !Array.isArray(types))) {
    const allowed = 'a list of event definitions, or a list of names';
    throw new DaybookError('option.notAllowed', { verb: 'readAll', option: 'types', given: types, allowed });
  }
  if (validate && definitions.length === 0) {
    const allowed = 'true only together with event definitions as types';
    throw new DaybookError('option.notAllowed', { verb: 'readAll', option: 'validate', given: validate, allowed });
  }
  if (onBadEvent !== 'throw' && typeof onBadEvent !== 'function') {
    const allowed = "'throw' or a function";
    throw new DaybookError('option.notAllowed', { verb: 'readAll', option: 'onBadEvent', given: onBadEvent, allowed });
  }
  const wanted: WantedEvents = { ...range, types: types?.map((type) => (typeof type === 'string' ? type : type.type)) };
  const decoder = eventDecoder(definitions, { validate });
  // What the archive gives is of these types only, so the decoder knows each.
  const decode = definitions.length === 0 ? decodeStored : (stored: StoredEvent) => decoder.decode(stored)!;
  // Each loop over it begins anew.
  return {
    async *[Symbol.asyncIterator]() {
      for await (const run of runsOf(wanted)) {
        for (const stored of run) {
          const event = onBadEvent === 'throw' ? decode(stored) : decodedOr(decode, stored, onBadEvent);
          if (event !== undefined) yield event;
        }
      }
    },
  };
}

function decodedOr(
  decode: (stored: StoredEvent) => RecordedEvent,
  stored: StoredEvent,
  onBadEvent: (bad: BadEvent) => void,
): RecordedEvent | undefined {
  try {
    return decode(stored);
  } catch (error) {
    const code = BAD_EVENT_CODES.find((each) => isDaybookError(error, each));
    if (code === undefined) throw error;
    onBadEvent({ code, error: error as DaybookError, stored });
    return undefined;
  }
}

/** Does an event count? For an archive's own reading of the table. */
export function wants({ types, since, until, clock }: WantedEvents): (event: StoredEvent) => boolean {
  const known = types === undefined ? undefined : new Set(types);
  return (event) => {
    if (known !== undefined && !known.has(event.type)) return false;
    const time = timeOf(event, clock);
    return time >= since && time <= until;
  };
}
