import './errors.ts';
import '../store/errors.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import type { AnyAggregate } from '../event/aggregate-definition.ts';
import { type EncodedEvent, encodeEvent, typeOfNewEvent } from '../event/encode-event.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import { checkAggregateType, checkAggregateUuid, checkVersion } from '../store/check-input.ts';

/** A good line: an event of an aggregate, validated and made into text. */
export interface ImportEvent {
  readonly line: number;
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  /** Only when the line says it. */
  readonly version: number | undefined;
  readonly event: EncodedEvent;
}

export interface ParseOptions {
  /** For lines that don't name one; default the only aggregate that has the event, or `Aggregate`. */
  readonly defaultType?: string;
  /** Events are checked against these, and must be among them; absent: any JSON goes. */
  readonly aggregates?: readonly AnyAggregate[];
}

const FIELDS = new Set([
  'aggregateUuid',
  'aggregateType',
  'type',
  'data',
  'metadata',
  'recordedAt',
  'occurredAt',
  'version',
]);

/** A line's event, or what is wrong with it. */
export function parseLine(line: number, text: string, options: ParseOptions): ImportEvent | DaybookError {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return new DaybookError('import.notJson', { problem: (error as Error).message });
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return new DaybookError('import.notAnObject', {});
  }
  for (const field in given) {
    if (!FIELDS.has(field)) return new DaybookError('import.unknownField', { field, known: [...FIELDS] });
  }
  const inexact = inexactNumber(text);
  if (inexact !== undefined) return inexactProblem(inexact, given.version);
  try {
    return toImportEvent(line, given, options);
  } catch (error) {
    if (!isDaybookError(error)) throw error;
    return error;
  }
}

function toImportEvent(line: number, given: Record<string, unknown>, options: ParseOptions): ImportEvent {
  const { aggregateUuid, type, data, metadata, version } = given;
  checkAggregateUuid(aggregateUuid);
  if (version !== undefined) checkVersion('version', version, 1);
  const name = typeOfNewEvent({ type }, 1);
  const aggregateType = given.aggregateType ?? options.defaultType ?? ownerOf(name, options.aggregates) ?? 'Aggregate';
  checkAggregateType(aggregateType);
  // What a history recorded is when it happened; this store records it now.
  const occurredAt = given.occurredAt ?? given.recordedAt;
  const event = {
    type,
    data,
    ...(metadata !== undefined && metadata !== null && { metadata }),
    ...(occurredAt !== undefined && { occurredAt }),
  };
  let definition: AnyEvent | undefined;
  if (options.aggregates !== undefined) {
    const aggregate = options.aggregates.find((candidate) => candidate.type === aggregateType);
    if (aggregate === undefined) {
      const known = options.aggregates.map((candidate) => candidate.type);
      throw new DaybookError('import.unknownAggregate', { aggregateType, type: name, known });
    }
    definition = aggregate.events.find((candidate) => candidate.type === name);
    if (definition === undefined) {
      const known = aggregate.events.map((candidate) => candidate.type);
      throw new DaybookError('event.unknownType', { aggregateType, aggregateUuid, type: name, known });
    }
  }
  return { line, aggregateUuid, aggregateType, version, event: encodeEvent(event, definition, 1) };
}

function ownerOf(type: string, aggregates: readonly AnyAggregate[] = []): string | undefined {
  const owners = aggregates.filter(({ events }) => events.some((event) => event.type === type));
  return owners.length === 1 ? owners[0]!.type : undefined;
}

/** A version is not to be given as text: then the message says what is allowed, and the number as the line has it. */
function inexactProblem(token: string, version: unknown): DaybookError {
  return /^-?\d+$/.test(token) && Number(token) === version
    ? new DaybookError('version.notAllowed', { what: 'version', given: BigInt(token), least: 1 })
    : new DaybookError('import.inexactNumber', { given: token });
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The first number that a double cannot hold: JSON.parse would round it without a word. */
function inexactNumber(text: string): string | undefined {
  if (!/\d{16}|\d\.\d{16}/.test(text)) return undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith('"')) continue;
    const digits = token
      .replace(/[eE].*$/, '')
      .replace(/[-.]/g, '')
      .replace(/^0+/, '');
    if (digits.length < 16) continue;
    // 17 significant digits say any double exactly; an integer of more may be one that a double is.
    if (/^-?\d+$/.test(token) ? BigInt(token) !== BigInt(Number(token)) : digits.length > 17) return token;
  }
  return undefined;
}
