import './errors.ts';
import { isUtf8 } from 'node:buffer';
import { DaybookError } from '../errors.ts';
import { ENVELOPE_FORMAT, type Envelope, type EnvelopeEvent } from './envelope.ts';

/**
 * Reads one record of the feed. Refuses with a code what is no envelope, what is of a format that this code does not know
 * (`feed.envelopeFormatUnknown`), what belongs to another feed (`feed.envelopeForeign`) and a run that is not contiguous.
 */
export function parseEnvelope(bytes: Buffer, feed: string): Envelope {
  if (!isUtf8(bytes)) throw invalid('it is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no JSON object');
  const envelope = value as Record<keyof Envelope, unknown>;
  if (envelope.format !== ENVELOPE_FORMAT) {
    throw new DaybookError('feed.envelopeFormatUnknown', { format: envelope.format, known: ENVELOPE_FORMAT });
  }
  const { aggregate } = envelope;
  if (typeof aggregate !== 'string' || aggregate === '') throw invalid('it names no aggregate');
  if (envelope.feed !== feed) {
    throw new DaybookError('feed.envelopeForeign', { aggregate, expected: feed, found: String(envelope.feed) });
  }
  const problem = problemOfRun(envelope);
  if (problem !== undefined) throw invalid(problem, aggregate);
  return value as Envelope;
}

function problemOfRun({ from, to, head, base, events }: Record<keyof Envelope, unknown>): string | undefined {
  if (!isVersion(from) || !isCount(to) || !isCount(head)) return 'from, to and head must be versions';
  if (to < from - 1) return `it ends at ${to}, before it begins at ${from}`;
  if (head < to) return `its head ${head} is below its end ${to}`;
  if (base !== undefined && !isVersion(base)) return 'base must be a version';
  if (base !== undefined && base >= from) return `it begins at ${from}, which its base ${base} says is not on the feed`;
  if (!Array.isArray(events) || events.length !== to - from + 1)
    return `it does not hold the versions [${from}..${to}]`;
  for (let i = 0; i < events.length; i++) {
    const problem = problemOfEvent(events[i], from + i);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOfEvent(given: unknown, version: number): string | undefined {
  if (typeof given !== 'object' || given === null) return `its event ${version} is no object`;
  const event = given as Record<keyof EnvelopeEvent, unknown>;
  if (event.version !== version) return `it holds version ${String(event.version)} where ${version} should stand`;
  const whole =
    typeof event.type === 'string' &&
    typeof event.aggregateType === 'string' &&
    typeof event.commitId === 'string' &&
    typeof event.recordedAt === 'string' &&
    typeof event.data === 'string' &&
    isVersion(event.schemaVersion) &&
    isTextOrAbsent(event.metadata) &&
    isTextOrAbsent(event.occurredAt) &&
    (event.commitFirst === undefined || isVersion(event.commitFirst)) &&
    (event.commitLast === undefined || isVersion(event.commitLast));
  return whole ? undefined : `its event ${version} lacks a part or has one of a wrong type`;
}

function invalid(problem: string, aggregate?: string): DaybookError<'feed.envelopeInvalid'> {
  return new DaybookError('feed.envelopeInvalid', { problem, ...(aggregate !== undefined && { aggregate }) });
}

const isVersion = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === 'string';
