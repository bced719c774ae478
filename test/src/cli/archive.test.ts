import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createEventStore, dynamoEventTable } from 'daybook';
import { type LocalRuntime, startLocal } from 'daybook/local';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { backfill, backfillKey } from '../../../src/archive/backfill.ts';
import type { Finding } from '../../../src/archive/findings.ts';
import { dynamoCursorTable } from '../../../src/aws/dynamo-cursor-table.ts';
import { toItem } from '../../../src/aws/event-item.ts';
import { s3WorkFiles } from '../../../src/aws/s3-work-files.ts';
import { main } from '../../../src/cli/main.ts';
import { emptyEnvelope, filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { bankAssembly } from '../../bank-assembly.ts';
import { storedEvent } from '../../simulation/records.ts';

/** The bank as it is deployed: the feed, Firehose's Parquet, the Direct PUT stream, and the command line beside it. */
let runtime: LocalRuntime;
let dynamodb: DynamoDBClient;
let s3: S3Client;
let Bucket: string;
let TableName: string;
let feed: string;
const folder = mkdtempSync(join(tmpdir(), 'daybook-archive-'));
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

beforeAll(async () => {
  runtime = await startLocal({ assembly: await bankAssembly(), deliverWithinMs: 1000 });
  const config = { endpoint: runtime.endpoint, region: runtime.account.region, credentials };
  const { outputs } = runtime.stacks.Bank!;
  dynamodb = new DynamoDBClient(config);
  s3 = new S3Client({ ...config, forcePathStyle: true });
  Bucket = outputs.DaybookArchiveBucketName!;
  TableName = outputs.DaybookEventsTableName!;
  feed = outputs.DaybookFeedName!;
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const store = createEventStore({ table: dynamoEventTable({ client: dynamodb, tableName: TableName }) });
  for (const id of ['alice', 'bob', 'carol']) {
    const opened = await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 0 }, [
      { type: 'AccountOpened', data: { holder: id } },
      { type: 'MoneyDeposited', data: { amount: 100 } },
    ]);
    expect(opened.version).toBe(2);
    await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 2 }, [
      { type: 'MoneyDeposited', data: { amount: 5 } },
    ]);
  }
  await delivered();
}, 300_000);
afterAll(async () => {
  await runtime?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that is under way is in S3. */
async function delivered(): Promise<void> {
  await runtime.idle();
  await runtime.flush();
}

async function daybook(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    columns: 200,
    colored: false,
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
  };
  const where = ['--stack', 'Bank', '--endpoint-url', runtime.endpoint, '--region', runtime.account.region];
  const code = await main([...args, ...where], terminal);
  return { code, out, err, json: () => JSON.parse(out[0]!) };
}

const keys = async (Prefix: string) =>
  ((await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key!);
const textOf = async (Key: string) =>
  (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString())!;
const put = (Key: string, Body: string | Buffer) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const verified = async (...flags: string[]) => {
  const { code, json, err } = await daybook('verify', '--yes', '--json', '--lag', '0', ...flags);
  return {
    code,
    err,
    report: json() as Record<string, unknown> & { findings: Finding[]; found: Record<string, number> },
  };
};

describe('verify', { timeout: 240_000 }, () => {
  it('says its price and asks before it reads', async () => {
    const { code, err } = await daybook('verify');
    expect(code).toBe(1);
    expect(err[0]).toMatch(
      /^to compare 9 events, .*: about 1 read units, less than one cent .*; the archive's files are read once$/,
    );
    expect(err[1]).toMatch(/^cli.notAgreed.*--yes/);
  });

  it.each([
    ['--report', 'no/report.jsonl'],
    ['--report', '.'],
    ['--work-dir', 'no'],
  ])('%s %s, which cannot be written, is told before anything is read', async (flag, place) => {
    const { code, out, err } = await daybook('verify', '--yes', flag, join(folder, place));
    expect({ code, out, err }).toEqual({ code: 2, out: [], err: [expect.stringMatching(`^cli.usage: ${flag}`)] });
  });

  it('finds what Firehose wrote to be what the table has, and leaves a report', async () => {
    const { code, out } = await daybook('verify', '--yes');
    expect(out).toEqual([
      expect.stringMatching(
        /^9 events of 3 aggregates in the table, 9 in the archive \(\d+ files, 1 MB, \d+ repeats\)/,
      ),
      expect.stringMatching(/^everything that was recorded until 20.*Z is there$/),
      expect.stringMatching(/^report: s3:\/\/.*\/checks\/verify\/20.*Z\.jsonl$/),
    ]);
    expect(code).toBe(0);
    const [report] = await keys('checks/verify/');
    expect(JSON.parse(await textOf(report!))).toMatchObject({ kind: 'summary', complete: true, events: 9 });
  });

  it('the check on a schedule proves the same, with its own grants, and the view freshness says it', async () => {
    const config = { endpoint: runtime.endpoint, region: runtime.account.region, credentials };
    const freshness = async () => {
      const athena = new AthenaClient(config);
      const { outputs } = runtime.stacks.Bank!;
      const { QueryExecutionId } = await athena.send(
        new StartQueryExecutionCommand({
          QueryString: 'SELECT * FROM freshness',
          WorkGroup: outputs.DaybookWorkGroupName!,
          QueryExecutionContext: { Database: outputs.DaybookDatabaseName! },
        }),
      );
      await vi.waitFor(
        async () => {
          const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
          expect(QueryExecution?.Status?.StateChangeReason ?? QueryExecution?.Status?.State).toBe('SUCCEEDED');
        },
        { timeout: 30_000 },
      );
      const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
      return ResultSet!.Rows!.map(({ Data }) => Data!.map(({ VarCharValue }) => VarCharValue));
    };
    const columns = ['complete_up_to', 'newest_arrival', 'checked_at', 'lag_seconds', 'missing', 'state'];
    const never = [...Array(5).fill(undefined), 'no check within a week'];
    expect(await freshness()).toEqual([columns, never]);
    const lambda = new LambdaClient(config);
    const FunctionName = runtime.stacks.Bank!.byPath['Bank/Daybook/Verification/Check/Function']!;
    const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
    const check = JSON.parse(Buffer.from(Payload!).toString());
    expect([FunctionError, check]).toEqual([
      undefined,
      expect.objectContaining({ aggregates: 3, proven: 9, missing: 0, round_complete: true }),
    ]);
    const again = await lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
    const last = JSON.parse(Buffer.from(again.Payload!).toString());
    expect(last).toMatchObject({ proven: 0, files: 0, round_complete: true });

    const rows = await freshness();
    const text = (instant: string) => instant.replace('T', ' ').replace('Z', '');
    expect(rows[0]).toEqual(columns);
    expect(rows[1]!.slice(0, 3)).toEqual([last.complete_up_to, last.newest_arrival, last.checked_at].map(text));
    expect(rows[1]!.slice(3)).toEqual([expect.stringMatching(/^(59|6\d)$/), '0', 'checked']);
    expect(rows).toHaveLength(2);
  });

  it('names events of a file that was deleted, a file that was cut off and one that was copied; --fix brings them back', async () => {
    const raw = await keys('events/');
    const withRows = await Promise.all(
      ['alice', 'bob', 'carol'].map(async (id) => {
        const bucket = createHash('md5').update(id).digest('hex')[0];
        return raw.filter((key) => key.includes(`/bucket=${bucket}/`));
      }),
    );
    const [alice, bob, carol] = withRows.map((each) => each[0]!) as [string, string, string];
    for (const key of withRows[0]!) await s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
    for (const key of withRows[1]!) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
      const bytes = await Body!.transformToByteArray();
      await put(key, Buffer.from(bytes.subarray(0, bytes.length - 100)));
    }
    const copy = `${carol}-copy`;
    await s3.send(new CopyObjectCommand({ Bucket, Key: copy, CopySource: `${Bucket}/${carol}` }));

    const report = join(folder, 'report.jsonl');
    const { code, out, err } = await daybook('verify', '--yes', '--lag', '0', '--report', report);
    expect(code).toBe(1);
    expect(err.at(-1)).toMatch(/^cli.archiveDiffers: .* --fix sends what is missing/);
    const lines = readFileSync(report, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ kind }) => kind === 'missing')).toMatchObject(
      ['alice', 'bob'].map((aggregate) => ({ aggregate, from: 1, to: 3 })).sort(() => 0),
    );
    expect(lines.filter(({ kind }) => kind === 'unreadable').map(({ key }) => key)).toEqual(withRows[1]);
    expect(lines.filter(({ kind }) => kind === 'repeated')).toEqual([{ kind: 'repeated', key: copy, of: carol }]);
    expect(lines.at(-1)).toMatchObject({ kind: 'summary', complete: false, found: { missing: 6 } });
    expect(out).toContainEqual(expect.stringContaining(`unreadable  ${bob}`));
    expect(out).toContainEqual(expect.stringMatching(/^missing {5}alice {2}versions 1 to 3, recorded 20/));
    expect(alice).toBeDefined();

    const fixed = await verified('--fix');
    expect(fixed.code).toBe(1);
    expect(fixed.report).toMatchObject({ sent: { events: 6, unsendable: 0 }, found: { missing: 6 } });
    await delivered();
    for (const key of [...withRows[1]!, copy]) await s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
    expect(await verified()).toMatchObject({ code: 0, report: { complete: true, archived: 9, findings: [] } });
  });

  it('reads an export in place of the table, in the format that AWS documents, and refuses half of one', async () => {
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }));
    const lines = Items.map((Item) => `${JSON.stringify({ Item })}\n`);
    const at = 'exports/AWSDynamoDB/01234567890123-a1b2c3d4';
    const files = [lines.slice(0, 4), [], lines.slice(4)];
    let manifest = '';
    for (const [i, each] of files.entries()) {
      const body = gzipSync(each.join(''));
      const dataFileS3Key = `${at}/data/file${i}.json.gz`;
      await put(dataFileS3Key, body);
      const md5Checksum = createHash('md5').update(body).digest('base64');
      manifest += `${JSON.stringify({ itemCount: each.length, md5Checksum, etag: 'af83-1', dataFileS3Key })}\n`;
    }
    const summary = {
      version: '2020-06-30',
      exportArn: `arn:aws:dynamodb:us-east-1:123456789012:table/${TableName}/export/01234567890123-a1b2c3d4`,
      startTime: new Date().toISOString(),
      endTime: new Date().toISOString(),
      tableArn: `arn:aws:dynamodb:us-east-1:123456789012:table/${TableName}`,
      tableId: '12345a12-abcd-123a-ab12-1234abc12345',
      exportTime: new Date().toISOString(),
      s3Bucket: Bucket,
      s3Prefix: 'exports',
      s3SseAlgorithm: 'AES256',
      s3SseKmsKeyId: null,
      manifestFilesS3Key: `${at}/manifest-files.json`,
      billedSizeBytes: 0,
      itemCount: Items.length,
      outputFormat: 'DYNAMODB_JSON',
    };
    await put(`${at}/manifest-summary.json`, JSON.stringify(summary));
    await put(`${at}/manifest-files.json`, manifest);
    const flags = ['--export', `s3://${Bucket}/${at}/`];
    expect(await verified(...flags)).toMatchObject({
      code: 0,
      report: { complete: true, events: 9, archived: 9, asOf: summary.exportTime, findings: [] },
    });
    await put(`${at}/data/file2.json.gz`, gzipSync(lines.slice(5).join('')));
    const cut = await daybook('verify', '--yes', ...flags);
    expect(cut.code).toBe(1);
    expect(cut.err.at(-1)).toMatch(/^archive.exportFile: .*file2.json.gz should have MD5/);
    expect((await daybook('verify', '--export', 's3://nothing')).code).toBe(2);
    expect((await daybook('verify', '--yes', '--export', `s3://${Bucket}/exports/none/`)).err.at(-1)).toMatch(
      /^archive.noExport/,
    );
  });
});

describe('archive redrive', { timeout: 240_000 }, () => {
  const record = (rawData: string | Buffer, more: object = {}) =>
    JSON.stringify({
      attemptsMade: 4,
      arrivalTimestamp: 1764000000000,
      errorCode: 'Lambda.FunctionError',
      errorMessage: 'The Lambda function was successfully invoked but it returned an error result.',
      attemptEndingTimestamp: 1764000001000,
      rawData: Buffer.from(rawData).toString('base64'),
      lambdaArn: 'arn:aws:lambda:us-east-1:123456789012:function:transform',
      ...more,
    });

  it('sends what can be sent once, names the rest with the reason and leaves it there', async () => {
    const stored = [1, 2, 3].map((version) => storedEvent('dora', version));
    for (const event of stored) await dynamodb.send(new PutItemCommand({ TableName, Item: toItem(event) }));
    await delivered();
    const bucket = createHash('md5').update('dora').digest('hex')[0];
    // As if the archive had refused them: what was delivered is taken away, what Firehose would have written is put there.
    for (const key of (await keys('events/')).filter((each) => each.includes(`/bucket=${bucket}/`))) {
      await s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
    }
    const [first, second, third] = stored.map(toEnvelopeEvent);
    const good = record(JSON.stringify(filledEnvelope(feed, 'dora', 1, 3, [first!, second!])));
    const foreign = record(JSON.stringify(filledEnvelope('another-feed', 'dora', 3, 3, [third!])));
    const rows = record(
      `{"aggregate_uuid":"dora","aggregate_type":"Account","version":3,"type":${JSON.stringify(third!.type)},"schema_version":${third!.schemaVersion},"commit_id":${JSON.stringify(third!.commitId)},"commit_first":3,"commit_last":3,"recorded_at":${JSON.stringify(third!.recordedAt)},"occurred_at":${JSON.stringify(third!.occurredAt ?? third!.recordedAt)},"data":${JSON.stringify(third!.data)}}`,
      { lastErrorCode: 'DataFormatConversion.ParseError' },
    );
    const processing = 'errors/processing-failed/day=2026-11-01/one';
    const conversion = 'errors/format-conversion-failed/day=2026-11-01/two';
    const unfit = record(JSON.stringify(filledEnvelope(feed, 'dora', 3, 3, [{ ...third!, schemaVersion: 2 ** 31 }])));
    await put('errors/processing-failed/unfit', `${unfit}\n`);
    const refused = await daybook('archive', 'redrive', '--dry-run', '--json');
    expect(refused.json()).toMatchObject({ sent: 0, refused: 1, stay: [{ code: 'archive.rowUnfit' }] });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'errors/processing-failed/unfit' }));
    await put(processing, `${good}\n${foreign}\nno json\n`);
    await put(conversion, `${rows}\n${record(JSON.stringify(emptyEnvelope(feed, 'dora', 4, 4)))}\n`);

    const dry = await daybook('archive', 'redrive', '--dry-run', '--json');
    expect(dry.json()).toMatchObject({ dryRun: true, files: 2, records: 5, sent: 3, events: 3, refused: 2 });
    expect(await keys('redriven/')).toEqual([]);
    expect((await daybook('archive', 'redrive')).err.at(-1)).toMatch(/^cli.notAgreed/);

    const { code, out, err } = await daybook('archive', 'redrive', '--yes');
    expect(code).toBe(1);
    expect(out).toEqual([
      expect.stringMatching(new RegExp(`^${processing} line 2: feed.envelopeForeign: .*another-feed.*`)),
      expect.stringMatching(new RegExp(`^${processing} line 3: archive.noErrorRecord: `)),
      '5 records in 2 files: 3 sent (3 events), 2 refused; they lie below redriven/ now',
    ]);
    expect(err.at(-1)).toMatch(/^cli.archiveRefuses: 2 records stay/);
    expect(await keys('errors/')).toEqual([processing]);
    expect(await textOf(processing)).toBe(`${foreign}\nno json\n`);
    expect(await textOf('redriven/processing-failed/day=2026-11-01/one')).toBe(`${good}\n`);

    const again = await daybook('archive', 'redrive', '--yes', '--json');
    expect(again.json()).toMatchObject({ records: 2, sent: 0, events: 0, refused: 2 });
    // A run that ended before it had tidied up.
    await put(processing, `${good}\n${foreign}\n`);
    const after = await daybook('archive', 'redrive', '--yes', '--json');
    expect(after.json()).toMatchObject({ records: 2, sent: 0, sentBefore: 1, refused: 1 });
    expect(await textOf(processing)).toBe(`${foreign}\n`);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: processing }));

    await delivered();
    expect(await verified()).toMatchObject({ code: 0, report: { complete: true, events: 12, archived: 12 } });
  });
});

describe('archive backfill', { timeout: 240_000 }, () => {
  it('sends what a feed that was adopted from now does not bring, and goes on from where it was', async () => {
    for (let version = 1; version <= 5; version++) {
      await dynamodb.send(new PutItemCommand({ TableName, Item: toItem(storedEvent('eve', version)) }));
    }
    await delivered();
    const bucket = createHash('md5').update('eve').digest('hex')[0];
    const gone = (await keys('events/')).filter((key) => key.includes(`/bucket=${bucket}/`));
    for (const Key of gone) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const table = dynamoEventTable({ client: dynamodb, tableName: TableName });
    const { outputs } = runtime.stacks.Bank!;
    const cursors = dynamoCursorTable({ client: dynamodb, tableName: outputs.DaybookConfirmedTableName!, feed });
    // The past of another feed, whose cursors say that 4 versions of eve were there before it.
    const adopted = {
      readMany: async (ids: readonly string[]) =>
        new Map(ids.map((id) => [id, { confirmed: 4, base: id === 'eve' ? 4 : 0 }])),
    };
    const sent: string[] = [];
    const writer = {
      put: async (envelopes: readonly { aggregate: string; from: number; to: number }[]) => {
        sent.push(...envelopes.map(({ aggregate, from, to }) => `${aggregate} ${from}-${to}`));
        return [];
      },
    };
    const ports = {
      feed,
      table,
      cursors: adopted,
      writer,
      files: s3WorkFiles({ client: s3, bucket: Bucket }),
      now: Date.now,
    };
    const first = { complete: true, aggregates: 5, events: 4, unsendable: 0 };
    expect(await backfill(ports, { of: 'past' })).toEqual(first);
    expect(await backfill(ports, { of: 'past' })).toEqual({ ...first, doneBefore: expect.stringMatching(/^20.*Z$/) });
    expect(sent).toEqual(['eve 1-4']);
    // Once more from the beginning, and ended before anything was sent: the next run does it.
    const failing = { ...ports, table: { ...ports.table, aggregates: () => Promise.reject(new Error('killed')) } };
    await expect(backfill(failing, { of: 'past', again: true })).rejects.toThrow('killed');
    expect(await backfill(ports, { of: 'past' })).toEqual(first);
    expect(sent.splice(1)).toEqual(['eve 1-4']);
    // Ended amid an aggregate: the checkpoint says how far it was.
    const place = { feed, startedAt: '', complete: false, aggregates: 0, events: 2, unsendable: 0, sent: [['eve', 2]] };
    await put(backfillKey(feed, 'past'), JSON.stringify(place));
    expect(await backfill(ports, { of: 'past' })).toMatchObject({ complete: true, events: 4 });
    expect(sent).toEqual(['eve 1-4', 'eve 3-4']);
    expect((await cursors.read('eve')).confirmed).toBe(5);

    // This feed has no past; all that the table has is sent once.
    await s3.send(new DeleteObjectCommand({ Bucket, Key: backfillKey(feed, 'past') }));
    expect((await daybook('archive', 'backfill', '--yes', '--json')).json()).toMatchObject({
      of: 'past',
      complete: true,
      events: 0,
    });
    const asked = await daybook('archive', 'backfill', '--all');
    expect(asked.err[0]).toMatch(
      /^to send 17 events of 5 aggregates to the archive: about \d+ read units, less than one cent on demand in us-east-1, and less than one cent of Firehose/,
    );
    expect((await daybook('archive', 'backfill', '--all', '--yes', '--json')).json()).toMatchObject({
      of: 'all',
      complete: true,
      events: 17,
    });
    expect((await daybook('archive', 'backfill', '--all', '--yes')).out).toEqual([
      expect.stringMatching(
        /^nothing was sent: the run that began at 20\S+Z has done all of it \(5 aggregates, 17 events sent\); with --again it is sent once more$/,
      ),
    ]);
    await delivered();
    expect(await verified()).toMatchObject({ code: 0, report: { complete: true, events: 17, archived: 17 } });
  });

  it('skips and counts what cannot be sent', async () => {
    for (const version of [1, 2, 4]) {
      const item = toItem(storedEvent('fay', version));
      if (version === 2) delete item.Data;
      await dynamodb.send(new PutItemCommand({ TableName, Item: item }));
    }
    const { code, json, err } = await daybook('archive', 'backfill', '--all', '--again', '--yes', '--json');
    expect(json().unsent).toEqual([
      { aggregate: 'fay', version: 2, reason: 'no event' },
      { aggregate: 'fay', version: 3, reason: 'not there' },
    ]);
    expect(code).toBe(1);
    expect(err.at(-1)).toMatch(/^cli.notBackfilled: 2 versions/);
    await delivered();
    const { report } = await verified();
    expect(report).toMatchObject({ complete: true, events: 19, archived: 19, found: { hole: 2, noEvent: 1 } });
  });
});

it('what no row can hold is named and not sent, what stands beside it is', { timeout: 240_000 }, async () => {
  const id = 'gus\n\u001b[2J';
  const stored = [1, 2, 3, 4].map((version) => ({
    ...storedEvent(id, version),
    ...(version === 2 && { schemaVersion: 2 ** 31 }),
    ...(version === 3 && { occurredAt: '2026-13-01T00:00:00.000Z' }),
  }));
  for (const event of stored) await dynamodb.send(new PutItemCommand({ TableName, Item: toItem(event) }));
  await delivered();
  const unsent = [
    { aggregate: id, version: 2, reason: 'no row', problem: 'schema_version, 2147483648 is above 2147483647' },
    { aggregate: id, version: 3, reason: 'no row', problem: 'occurred_at, "2026-13-01T00:00:00.000Z" is no time' },
  ];
  const { json, err } = await daybook('verify', '--lag', '0', '--fix', '--yes', '--json');
  expect(json().sent).toEqual({ events: json().found.missing - 2, unsendable: 2, unsent });
  expect(err.at(-1)).toMatch(/but for 2 events that can never arrive/);
  await delivered();
  expect((await daybook('verify', '--lag', '0', '--json', '--yes')).json().found.missing).toBe(2);
  // A finding is a line, and tells the terminal nothing, whatever an aggregate is called.
  const shown = (await daybook('verify', '--lag', '0', '--yes')).out;
  expect(shown).toContainEqual(expect.stringMatching(/^missing {5}gus⏎·\[2J {2}versions 2 to 3, recorded 20/));
  const filled = await daybook('archive', 'backfill', '--all', '--again', '--yes');
  expect(filled.out).toContainEqual(
    'gus⏎·[2J  version 2 was not sent: no row can hold it: schema_version, 2147483648 is above 2147483647',
  );
  expect(filled.code).toBe(1);
});

it('archive takes a verb', async () => {
  expect((await daybook('archive')).code).toBe(2);
  expect((await daybook('archive', 'nothing')).err[0]).toContain('there is redrive, backfill');
});
