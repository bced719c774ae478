import '../feed/errors.ts';
import './errors.ts';
import { isUtf8 } from 'node:buffer';
import { DaybookError, isDaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import type { Envelope, EnvelopeEvent } from '../feed/envelope.ts';
import { errorNote, type Observed, type Observing, observing } from '../feed/observed.ts';
import { parseEnvelope } from '../feed/parse-envelope.ts';
import { checkRowsFit } from './row-fit.ts';
import { scanEnvelope } from './scan-envelope.ts';

/** One record of Firehose's answer. `Dropped` and `ProcessingFailed` need no data: Firehose keeps what it sent. */
export interface TransformedRecord {
  readonly recordId: string;
  readonly result: 'Ok' | 'Dropped' | 'ProcessingFailed';
  /** Base64. */
  readonly data?: string;
  readonly metadata?: { readonly partitionKeys: { readonly day: string; readonly bucket: string } };
}

/** "The Lambda synchronous invocation mode has a payload size limit of 6 MB for both the request and the response." */
const ANSWER_BYTES = 5_900_000;
/** What a record takes in the answer besides its data. */
const RECORD_BYTES = 250;

/**
 * Turns a batch of the feed's envelopes into rows: one JSON document per event, concatenated ("{…}{…}"), all of an
 * envelope in one record, partitioned by arrival day and bucket. Empty envelopes are dropped. What is no envelope of this
 * feed fails and lands under errors/ as it came; so does, as the last resort, what the answer has no room for.
 */
export function transform(
  event: unknown,
  { feed }: { readonly feed: string },
): { readonly records: readonly TransformedRecord[]; readonly seen: Observed } {
  const batch = (event as { records?: unknown } | null)?.records;
  if (!Array.isArray(batch)) {
    throw new DaybookError('feed.notABatch', { expected: 'Firehose records', given: typeof event });
  }
  const seen = observing();
  const readRows = rowsReader(feed);
  const dayOf = dayReader();
  let room = ANSWER_BYTES - batch.length * RECORD_BYTES;
  let archived = 0;
  const records = batch.map((given): TransformedRecord => {
    const { recordId, data, approximateArrivalTimestamp } = given as FirehoseRecord;
    try {
      const { rows, encoding, events, aggregate } = readRows(decode(data));
      if (events === 0) return { recordId, result: 'Dropped' };
      const encoded = encode(rows, encoding);
      if (encoded.length > room) {
        throw new DaybookError('archive.answerFull', { bytes: encoded.length, limit: ANSWER_BYTES });
      }
      room -= encoded.length;
      archived += events;
      const partitionKeys = { day: dayOf(approximateArrivalTimestamp), bucket: bucketOf(aggregate) };
      return { recordId, result: 'Ok', data: encoded, metadata: { partitionKeys } };
    } catch (error) {
      if (!isDaybookError(error)) throw error;
      return refused(recordId, error, seen);
    }
  });
  if (archived > 0) seen.count('RowsArchived', archived);
  return { records, seen };
}

/** One record's bytes after the other's: what is read of them is copied out before the next. */
const decoded = Buffer.allocUnsafeSlow(256 * 1024);

function decode(data: string): Buffer {
  if (data.length > decoded.length) return Buffer.from(data, 'base64');
  return decoded.subarray(0, decoded.write(data, 'base64'));
}

/** `btoa` takes characters for bytes, without a buffer in between. */
function encode(rows: string, encoding: RowsRead['encoding']): string {
  return encoding === 'latin1' ? btoa(rows) : Buffer.from(rows, encoding).toString('base64');
}

interface RowsRead {
  readonly rows: string;
  readonly encoding: 'latin1' | 'utf8';
  readonly events: number;
  readonly aggregate: string;
}

/** What has the known shape is copied, whatever else is read by `parseEnvelope`, which refuses with a code. */
function rowsReader(feed: string): (bytes: Buffer) => RowsRead {
  const feedText = JSON.stringify(feed);
  return (bytes) => {
    const scanned = isUtf8(bytes) ? scanEnvelope(bytes, feedText) : undefined;
    if (scanned !== undefined) {
      const { rows, events, aggregate } = scanned; // `...scanned` takes an eighth of all of the transform’s time
      return { rows, encoding: 'latin1', events, aggregate };
    }
    const envelope = parseEnvelope(bytes, feed);
    checkRowsFit(envelope);
    const { aggregate, events } = envelope;
    return { rows: rowsOf(envelope), encoding: 'utf8', events: events.length, aggregate };
  };
}

interface FirehoseRecord {
  readonly recordId: string;
  readonly data: string;
  readonly approximateArrivalTimestamp: number;
}

function refused(recordId: string, error: DaybookError, seen: Observing): TransformedRecord {
  seen.count('ArchiveRefusals');
  seen.note(errorNote('archiveRefused', error, { recordId }));
  return { recordId, result: 'ProcessingFailed' };
}

/** The rows of one envelope, in the order and with the names of the Glue table's columns. */
export function rowsOf({ aggregate, events }: Envelope): string {
  const start = `{"aggregate_uuid":${JSON.stringify(aggregate)},"aggregate_type":`;
  let rows = '';
  for (const event of events) rows += start + columnsOf(event);
  return rows;
}

function columnsOf(event: EnvelopeEvent): string {
  const { version, commitFirst = version, commitLast = version, recordedAt, occurredAt = recordedAt, metadata } = event;
  const text = JSON.stringify;
  return (
    `${text(event.aggregateType)},"version":${version},"type":${text(event.type)}` +
    `,"schema_version":${event.schemaVersion},"commit_id":${text(event.commitId)}` +
    `,"commit_first":${commitFirst},"commit_last":${commitLast}` +
    `,"recorded_at":${text(recordedAt)},"occurred_at":${text(occurredAt)},"data":${text(event.data)}` +
    (metadata === undefined ? '}' : `,"metadata":${text(metadata)}}`)
  );
}

const DAY = 86_400_000;

/** The arrival day in UTC, whatever the events' own times: an import of nine years is one day's files. */
function dayReader(): (arrivedAt: number) => string {
  let [since, day] = [Number.NaN, ''];
  return (arrivedAt) => {
    if (!(arrivedAt >= since && arrivedAt < since + DAY)) {
      since = Math.floor(arrivedAt / DAY) * DAY;
      day = new Date(arrivedAt).toISOString().slice(0, 10);
    }
    return day;
  };
}
