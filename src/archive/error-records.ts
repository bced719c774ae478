import '../feed/errors.ts';
import './errors.ts';
import { isUtf8 } from 'node:buffer';
import { DaybookError } from '../errors.ts';
import { type Envelope, type EnvelopeEvent, filledEnvelope } from '../feed/envelope.ts';
import { jsonBytes } from '../feed/envelope-size.ts';
import { parseEnvelope } from '../feed/parse-envelope.ts';

/**
 * What Firehose writes of a record that failed, one JSON document a line: `rawData` is "the base64-encoded record data". Of
 * a failed transformation: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html, of a failed
 * conversion: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 */
export interface ErrorRecord {
  readonly rawData: string;
  /** Of the transformation. */
  readonly errorCode?: string;
  readonly errorMessage?: string;
  /** Of the conversion. */
  readonly lastErrorCode?: string;
  readonly lastErrorMessage?: string;
}

/** An envelope larger than this is sent in parts: rows too large for the transform's answer may be why it failed. */
const PART_BYTES = 250_000;

/**
 * The envelopes in an error record. It holds what Firehose took in; should it hold what the transform made of that, the rows
 * of the archive, they become envelopes again. Throws a code for anything else.
 */
export function envelopesIn(line: string, feed: string): readonly Envelope[] {
  const bytes = rawDataOf(line);
  const rows = isUtf8(bytes) ? rowsIn(bytes.toString('utf8')) : undefined;
  if (rows === undefined) return inParts(parseEnvelope(bytes, feed));
  return runsOf(rows).flatMap((run) => {
    const { aggregate_uuid: aggregate, version } = run[0]!;
    const envelope = filledEnvelope(
      feed,
      String(aggregate),
      Number(version),
      Number(version) + run.length - 1,
      run.map(eventOf),
    );
    return inParts(parseEnvelope(Buffer.from(JSON.stringify(envelope)), feed));
  });
}

/** Why Firehose gave it up, as it says. */
export function givenUpBecause(line: string): string {
  try {
    const { errorCode, lastErrorCode, errorMessage, lastErrorMessage } = JSON.parse(line) as ErrorRecord;
    return [errorCode ?? lastErrorCode, errorMessage ?? lastErrorMessage]
      .filter((part) => part !== undefined)
      .join(': ');
  } catch {
    return '';
  }
}

function rawDataOf(line: string): Buffer {
  let record: Partial<ErrorRecord> | null;
  try {
    record = JSON.parse(line);
  } catch {
    throw new DaybookError('archive.noErrorRecord', { problem: 'the line is no JSON' });
  }
  const rawData: unknown = record?.rawData;
  if (typeof rawData !== 'string') throw new DaybookError('archive.noErrorRecord', { problem: 'it has no rawData' });
  return Buffer.from(rawData, 'base64');
}

type Row = Readonly<Record<string, unknown>>;

/** Rows of the archive, one JSON document after the other; undefined when it is something else. */
function rowsIn(text: string): readonly Row[] | undefined {
  if (!text.startsWith('{"aggregate_uuid":')) return undefined;
  const rows: Row[] = [];
  let start = 0;
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inText) {
      if (char === '\\') i++;
      else if (char === '"') inText = false;
    } else if (char === '"') inText = true;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) {
      try {
        rows.push(JSON.parse(text.slice(start, i + 1)));
      } catch {
        return undefined;
      }
      start = i + 1;
    }
  }
  return text.slice(start).trim() === '' ? rows : undefined;
}

/** Rows of one aggregate whose versions follow each other. */
function runsOf(rows: readonly Row[]): Row[][] {
  const runs: Row[][] = [];
  for (const row of rows) {
    const last = runs.at(-1)?.at(-1);
    const follows = last?.aggregate_uuid === row.aggregate_uuid && Number(last?.version) + 1 === Number(row.version);
    if (follows) runs.at(-1)!.push(row);
    else runs.push([row]);
  }
  return runs;
}

function eventOf(row: Row): EnvelopeEvent {
  const {
    version,
    commit_first: first,
    commit_last: last,
    recorded_at: recordedAt,
    occurred_at: occurredAt,
    metadata,
  } = row;
  return {
    version,
    aggregateType: row.aggregate_type,
    type: row.type,
    schemaVersion: row.schema_version,
    commitId: row.commit_id,
    ...(first !== version && { commitFirst: first }),
    ...(last !== version && { commitLast: last }),
    recordedAt,
    ...(occurredAt !== recordedAt && { occurredAt }),
    data: row.data,
    ...(metadata !== undefined && metadata !== null && { metadata }),
  } as EnvelopeEvent; // the envelope that it goes into is checked as a whole
}

function inParts(envelope: Envelope): readonly Envelope[] {
  const { feed, aggregate, head, base } = envelope;
  const parts: EnvelopeEvent[][] = [[]];
  let bytes = 0;
  for (const event of envelope.events) {
    const size = jsonBytes(event);
    if (bytes > 0 && bytes + size > PART_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(event);
    bytes += size;
  }
  if (parts.length === 1) return envelope.events.length === 0 ? [] : [envelope];
  return parts.map((events) => filledEnvelope(feed, aggregate, events[0]!.version, head, events, base));
}
