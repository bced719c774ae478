import { DaybookError } from '../errors.ts';
import { type Validate, validatorFor } from '../schema/validate.ts';
import type { AnyEvent } from './event-definition.ts';
import { typeNameProblem } from './names.ts';
import { toInstant } from './time.ts';

/** What of an event does not depend on where it will stand. */
export interface EncodedEvent {
  readonly type: string;
  readonly schemaVersion: number;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly metadata?: string;
  readonly occurredAt?: string;
}

const FIELDS = new Set(['type', 'data', 'metadata', 'occurredAt']);

/**
 * Validates an event and makes its JSON text. `definition` is undefined for an event of which only the type is known:
 * then any JSON goes, at `schemaVersion` 1. Positions count from 1, for the messages. `traceparent` is added to the metadata.
 */
export function encodeEvent(
  given: unknown,
  definition: AnyEvent | undefined,
  position: number,
  traceparent?: string,
): EncodedEvent {
  const event = given as { type: string; data: unknown; metadata?: unknown; occurredAt?: unknown };
  const { type, occurredAt } = event;
  for (const field in event)
    if (!FIELDS.has(field)) throw new DaybookError('event.unknownField', { position, type, field });
  const data = validated(event.data, 'data', type, position, validatorFor(definition, 'data'));
  const encoded: { -readonly [K in keyof EncodedEvent]: EncodedEvent[K] } = {
    type,
    schemaVersion: definition?.schemaVersion ?? 1,
    data: JSON.stringify(data),
  };
  if (event.metadata !== undefined || traceparent !== undefined) {
    const validate = validatorFor(definition, 'metadata');
    const metadata =
      event.metadata === undefined ? undefined : validated(event.metadata, 'metadata', type, position, validate);
    const traced = traceparent === undefined ? metadata : withTraceparent(metadata, traceparent, validate);
    if (traced !== undefined) encoded.metadata = JSON.stringify(traced);
  }
  if (occurredAt !== undefined) {
    const time = toInstant(occurredAt);
    if ('problem' in time) {
      throw new DaybookError('event.badOccurredAt', { position, type, given: occurredAt, problem: time.problem });
    }
    encoded.occurredAt = time.instant;
  }
  return encoded;
}

/** The caller's own wins, and so does a schema that has no room for it: tracing must not stop an append. */
function withTraceparent(metadata: unknown, traceparent: string, validate: Validate): unknown {
  if (Object.hasOwn((metadata ?? {}) as object, 'traceparent')) return metadata;
  const traced = { ...(metadata as object | undefined), traceparent };
  const result = validate(traced);
  return result.issues === undefined ? result.value : metadata;
}

/** The type of an event to be appended; refuses what has none. */
export function typeOfNewEvent(given: unknown, position: number): string {
  if (typeof given !== 'object' || given === null) throw new DaybookError('event.notAnEvent', { position, given });
  const { type } = given as { type?: unknown };
  const problem = type === undefined ? 'it is missing' : typeNameProblem(type);
  if (problem !== undefined) throw new DaybookError('event.badType', { position, given: type, problem });
  return type as string;
}

function validated(
  value: unknown,
  part: 'data' | 'metadata',
  type: string,
  position: number,
  validate: Validate,
): unknown {
  if (value === undefined) {
    const issues = [{ path: '', problem: 'is missing' }];
    throw new DaybookError('event.invalid', { type, part, position, issues });
  }
  const result = validate(value);
  if (result.issues !== undefined) {
    throw new DaybookError('event.invalid', { type, part, position, issues: result.issues });
  }
  return result.value;
}
