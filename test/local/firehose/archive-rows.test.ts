import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Json, ROOT } from '../../../local/cloud.ts';
import { createFirehose, type Firehose } from '../../../local/firehose/firehose.ts';
import { aggregatesView, eventsView } from '../../../src/archive/archive-views.ts';
import { RUN_COLUMNS } from '../../../src/archive/current-view.ts';
import { eventViews, type View } from '../../../src/archive/event-views.ts';
import { transform } from '../../../src/archive/transform.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import { defineEvent } from '../../../src/event/event-definition.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import {
  archiveColumns,
  eventColumns,
  PARTITIONS,
  prestoType,
  textOf,
} from '../../../stacks/constructs/archive-tables.ts';
import { storedEvent } from '../../simulation/records.ts';
import { type ColdStorage, openColdStorage } from '../athena/cold-storage.ts';

// Each bad input on the whole way that it takes: the transform, the conversion to Parquet, the tables and views.

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:transform';
const Paid = defineEvent({
  type: 'Paid',
  data: {
    type: 'object',
    properties: {
      amount: { type: 'integer' },
      Amount: { type: 'integer' },
      'a.b': { type: 'string' },
      select: { type: 'string' },
      version: { type: 'integer' },
      rate: { type: 'number' },
      a: { type: 'object', properties: { b: { type: 'string' } } },
    },
  },
});

let cold: ColdStorage;
let firehose: Firehose;
let counts: Map<string, number>;
const raw = { name: 'events_raw', columns: archiveColumns() };

beforeAll(async () => {
  cold = await openColdStorage();
  cold.cloud.register({
    name: 'lambda',
    handle(_operation, input) {
      const { records, seen } = transform(JSON.parse(input.Payload.toString()), { feed: 'feed-1' });
      for (const [name, count] of seen.counts) counts.set(name, (counts.get(name) ?? 0) + count);
      return { StatusCode: 200, Payload: Buffer.from(JSON.stringify({ records })) };
    },
  });
  firehose = createFirehose(cold.cloud, { duckdb: cold.duckdb });
  const types = (view: Pick<View, 'columns'>) => Object.fromEntries(view.columns.map(({ name, type }) => [name, type]));
  await cold.createTable('events_raw', types(raw), {
    Parameters: {
      'projection.enabled': 'true',
      'projection.day.type': 'date',
      'projection.day.format': 'yyyy-MM-dd',
      'projection.day.range': '2026-01-01,NOW+1DAYS',
      'projection.bucket.type': 'enum',
      'projection.bucket.values': [...'0123456789abcdef'].join(','),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Athena's own placeholders
      'storage.location.template': 's3://cold/events/day=${day}/bucket=${bucket}/',
    },
    PartitionKeys: PARTITIONS.map(({ name: Name, type: Type }) => ({ Name, Type })),
  });
  const columns = eventColumns();
  const own = [
    { name: 'kind', type: 'string', comment: '' },
    ...RUN_COLUMNS.map((name) => ({ name, type: 'bigint', comment: '' })),
  ];
  const nulls = own.map(({ name, type }) => `CAST(NULL AS ${prestoType(type)}) AS ${name}`);
  const none = `SELECT ${[...columns.map(({ name }) => name), ...nulls].join(', ')} FROM events_raw WHERE false`;
  const current: View = { name: 'events_current', description: '', columns: [...columns, ...own], sql: none };
  for (const view of [current, eventsView(columns), aggregatesView(columns), ...eventViews([Paid], columns)]) {
    await cold.createTable(view.name, types(view), { TableType: 'VIRTUAL_VIEW', ViewOriginalText: textOf(view, 'db') });
  }
  const lambda = { Type: 'Lambda', Parameters: [{ ParameterName: 'LambdaArn', ParameterValue: FUNCTION }] };
  await cold.cloud.call(ROOT, 'firehose', 'CreateDeliveryStream', {
    DeliveryStreamName: 'out',
    ExtendedS3DestinationConfiguration: {
      RoleARN: 'arn:aws:iam::000000000000:role/delivery',
      BucketARN: 'arn:aws:s3:::cold',
      Prefix: 'events/day=!{partitionKeyFromLambda:day}/bucket=!{partitionKeyFromLambda:bucket}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: { Enabled: true, Processors: [lambda] },
      DataFormatConversionConfiguration: {
        Enabled: true,
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: { CaseInsensitive: false } } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
        SchemaConfiguration: {
          RoleARN: 'arn:aws:iam::000000000000:role/delivery',
          DatabaseName: 'db',
          TableName: 'events_raw',
        },
      },
    },
  });
});
afterAll(() => {
  firehose.close();
  cold.close();
});

const envelope = (aggregate: string, ...events: Partial<StoredEvent>[]) =>
  filledEnvelope(
    'feed-1',
    aggregate,
    1,
    events.length,
    events.map((more, i) => toEnvelopeEvent(storedEvent(aggregate, i + 1, { type: 'Paid', ...more }))),
  );
const put = async (...records: (object | Buffer)[]) => {
  counts = new Map();
  await cold.cloud.call(ROOT, 'firehose', 'PutRecordBatch', {
    DeliveryStreamName: 'out',
    Records: records.map((record) => ({
      Data: (Buffer.isBuffer(record) ? record : Buffer.from(JSON.stringify(record))).toString('base64'),
    })),
  });
  await firehose.flush();
};
/** What lies below errors/ of an output type, as Firehose writes it, by the record as it came. */
async function kept(type: string): Promise<string[]> {
  const { Contents = [] } = await cold.call('s3', 'ListObjectsV2', { Bucket: 'cold', Prefix: `errors/${type}/` });
  const texts: string[] = [];
  for (const { Key } of Contents) {
    const { Body } = await cold.call('s3', 'GetObject', { Bucket: 'cold', Key });
    for (const line of Body.toString().trimEnd().split('\n')) texts.push((JSON.parse(line) as Json).rawData);
    await cold.call('s3', 'DeleteObject', { Bucket: 'cold', Key });
  }
  return texts;
}
const base64 = (record: object | Buffer) =>
  (Buffer.isBuffer(record) ? record : Buffer.from(JSON.stringify(record))).toString('base64');

it.each<[string, object | Buffer]>([
  ['an envelope of an unknown version', { ...envelope('bad', {}), format: 2 }],
  ['an envelope of another feed', { ...envelope('bad', {}), feed: 'feed-0' }],
  [
    'invalid UTF-8',
    Buffer.concat([Buffer.from('{"format":1,"feed":"feed-1","aggregate":"'), Buffer.of(0xff, 0xc0), Buffer.from('"}')]),
  ],
  ['a schema version that the column cannot hold', envelope('bad', {}, { schemaVersion: 2 ** 31 })],
  ['a time out of range', envelope('bad', { occurredAt: '+012026-01-02T03:04:05.678Z' })],
  [
    'versions beyond 2^53',
    Buffer.from(JSON.stringify(envelope('bad', {})).replace(/"(from|to|head|version)":1/g, '"$1":9007199254740993')),
  ],
])('%s: kept as it came below errors/processing-failed, counted, and its neighbours go on', async (name, record) => {
  const good = `good-${name}`;
  await put(envelope(good, {}), record, envelope(`${good}-2`, {}));
  expect(await kept('processing-failed')).toEqual([base64(record)]);
  expect(Object.fromEntries(counts)).toMatchObject({ ArchiveRefusals: 1, RowsArchived: 2 });
  expect(
    await cold.rows(`SELECT count(*) FROM events WHERE aggregate_uuid LIKE '${good.replaceAll("'", "''")}%'`),
  ).toEqual([['2']]);
  expect(await cold.rows("SELECT * FROM events WHERE aggregate_uuid = 'bad'")).toEqual([]);
});

it('numbers beyond 2^53 and big decimals are exact in the text; a column holds what it can hold exactly, or null', async () => {
  const data =
    '{"amount":9007199254740993,"Amount":9223372036854775808,"rate":123456789012345678901234567890.12345678901234567890}';
  await put(
    envelope('numbers', { data }, { data: '{"amount":12.0,"rate":0.1}' }, { data: '{"amount":"12","rate":1e400}' }),
  );
  expect(await cold.rows("SELECT data FROM events WHERE aggregate_uuid = 'numbers' AND version = 1")).toEqual([[data]]);
  expect(
    await cold.rows("SELECT amount, amount_2, rate FROM paid WHERE aggregate_uuid = 'numbers' ORDER BY version"),
  ).toEqual([
    ['9007199254740993', null, '1.2345678901234568E29'],
    [null, null, '0.1'],
    [null, null, null],
  ]);
});

it('names that differ by case, dots, reserved words and names of columns have columns of their own', async () => {
  const data = JSON.stringify({
    amount: 1,
    Amount: 2,
    'a.b': 'dotted',
    a: { b: 'nested' },
    select: 'from',
    version: 7,
  });
  await put(envelope('names', { data }));
  expect(
    await cold.rows(
      `SELECT amount, amount_2, a_b, a__b, "select", data__version, version, readable FROM paid WHERE aggregate_uuid = 'names'`,
    ),
  ).toEqual([['1', '2', 'dotted', 'nested', 'from', '7', '1', 'true']]);
});

it('of a name that an object has twice, which no JSON writer makes, a column holds the first', async () => {
  await put(envelope('twice', { data: '{"amount":1,"amount":2}' }));
  expect(await cold.rows("SELECT data, amount FROM paid WHERE aggregate_uuid = 'twice'")).toEqual([
    ['{"amount":1,"amount":2}', '1'],
  ]);
});

it('data that is no JSON, or of a later schema version, stays readable as text', async () => {
  await put(envelope('odd', { data: 'no JSON' }, { data: '{"amount":1}', schemaVersion: 2 }));
  expect(
    await cold.rows("SELECT data, amount, readable FROM paid WHERE aggregate_uuid = 'odd' ORDER BY version"),
  ).toEqual([
    ['no JSON', null, 'true'],
    ['{"amount":1}', null, 'false'],
  ]);
});

it('an event of 400 KB and an envelope of 900 KB fit, to the letter', async () => {
  const data = JSON.stringify({ text: 'ä"\\'.repeat(80_000) });
  expect(Buffer.byteLength(data)).toBeGreaterThan(400 * 1024);
  const small = JSON.stringify({ text: 'x'.repeat(9_000) });
  const large = envelope('many', ...Array.from({ length: 95 }, () => ({ data: small })));
  expect(Buffer.byteLength(JSON.stringify(large))).toBeGreaterThan(850_000);
  await put(envelope('large', { data }));
  await put(large);
  expect(Object.fromEntries(counts)).toEqual({ RowsArchived: 95 });
  expect(await cold.rows("SELECT data FROM events WHERE aggregate_uuid = 'large'")).toEqual([[data]]);
  expect(await cold.rows("SELECT events, last_version, bucket FROM aggregates WHERE aggregate_uuid = 'many'")).toEqual([
    ['95', '95', bucketOf('many')],
  ]);
});
