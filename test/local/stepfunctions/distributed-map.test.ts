import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { FunctionError, functionArn, machineArn, only, Workbench } from './workbench.ts';

const PASS = { Type: 'Pass', Output: '{% $states.input %}' };
const processor = (state: Json, ExecutionType = 'STANDARD') => ({
  ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType },
  StartAt: 'I',
  States: { I: { ...state, End: true } },
});
const map = (state: Json = PASS, more: Json = {}, type = 'STANDARD') =>
  only({ Type: 'Map', Label: 'lab', ItemProcessor: processor(state, type), ...more });
const reader = (ReaderConfig: Json, Arguments: Json = { Bucket: 'b', Key: 'k' }, operation = 'getObject') => ({
  ItemReader: { Resource: `arn:aws:states:::s3:${operation}`, ReaderConfig, Arguments },
});
const withObjects = (objects: Record<string, string | Buffer>, handlers = {}) => {
  const bench = new Workbench(handlers);
  for (const [key, body] of Object.entries(objects)) bench.objects.set(key, Buffer.from(body));
  return bench;
};
const odd = {
  odd: (event: Json) => {
    if (event % 2 === 1) throw new FunctionError('Odd', String(event));
    return event;
  },
};
const odds = { Type: 'Task', Resource: functionArn('odd') };

describe('a distributed Map', () => {
  it('runs every item in a child execution', async () => {
    const bench = new Workbench();
    const { output, events, history, arn } = await bench.run(map(PASS, { Items: [1, 2] }));
    expect(output).toEqual([1, 2]);
    expect(events).toEqual([
      'ExecutionStarted',
      'MapStateEntered',
      'MapStateStarted',
      'MapRunStarted',
      'MapRunSucceeded',
      'MapStateSucceeded',
      'MapStateExited',
      'ExecutionSucceeded',
    ]);
    const { mapRunArn } = history[3].mapRunStartedEventDetails;
    expect(mapRunArn).toMatch(/^arn:aws:states:us-east-1:000000000000:mapRun:m1\/lab:[0-9a-f-]{36}$/);
    const { mapRuns } = await bench.states('ListMapRuns', { executionArn: arn });
    expect(mapRuns).toMatchObject([{ mapRunArn, executionArn: arn, stateMachineArn: `${machineArn('m1')}/lab` }]);
    const run = await bench.states('DescribeMapRun', { mapRunArn });
    expect(run).toMatchObject({
      status: 'SUCCEEDED',
      maxConcurrency: 10_000,
      toleratedFailureCount: 0,
      redriveCount: 0,
    });
    expect(run.itemCounts).toMatchObject({
      total: 2,
      succeeded: 2,
      failed: 0,
      pending: 0,
      running: 0,
      resultsWritten: 2,
    });
    const { executions } = await bench.states('ListExecutions', { mapRunArn });
    expect(executions).toHaveLength(2);
    expect(executions[0]).toMatchObject({ mapRunArn, itemCount: 1, status: 'SUCCEEDED' });
    expect(executions[0].executionArn).toMatch(/:execution:m1\/lab:[0-9a-f-]{36}$/);
    const child = await bench.states('DescribeExecution', { executionArn: executions[0].executionArn });
    expect(child).toMatchObject({ mapRunArn, input: '2', output: '2' });
    expect(await bench.history(executions[0].executionArn)).toHaveLength(4);
  });

  it('hides the variables around it, which ItemSelector and BatchInput can hand in', async () => {
    const { output } = await new Workbench().run({
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { outer: 'o' }, Next: 'M' },
        M: {
          Type: 'Map',
          Items: [1],
          ItemSelector: {
            item: '{% $states.context.Map.Item.Value %}',
            handed: '{% $outer %}',
            from: '{% $states.context.Map.Item.Source %}',
          },
          ItemProcessor: processor({
            Type: 'Pass',
            Assign: { outer: 2 },
            Output: { in: '{% $states.input %}', sees: '{% $exists($outer) %}' },
          }),
          End: true,
        },
      },
    });
    expect(output).toEqual([{ in: { item: 1, handed: 'o', from: 'STATE_DATA' }, sees: false }]);
  });

  it('runs MaxConcurrency children at once', async () => {
    const { ms } = await new Workbench().run(
      map({ Type: 'Wait', Seconds: 1 }, { Items: [1, 2, 3, 4], MaxConcurrency: 2 }),
    );
    expect(ms).toBe(2000);
  });

  it('fails with the first failure, when none is tolerated, and stops Standard children', async () => {
    const bench = new Workbench({
      f: async (event, { kernel }) => {
        await kernel.scheduler.sleep(event * 1000);
        throw new FunctionError('Boom', '');
      },
    });
    const { error, cause, events, ms, arn } = await bench.run(
      map({ Type: 'Task', Resource: functionArn('f') }, { Items: [1, 60] }),
    );
    expect({ error, cause, ms }).toEqual({
      error: 'States.ExceedToleratedFailureThreshold',
      cause: 'The specified tolerated failure threshold was exceeded',
      ms: 1000,
    });
    expect(events.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
    const { mapRuns } = await bench.states('ListMapRuns', { executionArn: arn });
    const run = await bench.states('DescribeMapRun', { mapRunArn: mapRuns[0].mapRunArn });
    expect(run).toMatchObject({ status: 'FAILED', itemCounts: { failed: 1, aborted: 1, total: 2 } });
  });

  it('tolerates failures up to a count or a percentage', async () => {
    const run = async (more: Json) =>
      (await new Workbench(odd).run(map(odds, { Items: [1, 2, 3, 4], MaxConcurrency: 1, ...more }))).status;
    expect(await run({ ToleratedFailureCount: 1 })).toBe('FAILED');
    expect(await run({ ToleratedFailureCount: '{% 2 %}' })).toBe('SUCCEEDED');
    expect(await run({ ToleratedFailurePercentage: 49 })).toBe('FAILED');
    expect(await run({ ToleratedFailurePercentage: 50 })).toBe('SUCCEEDED');
    expect(await run({ ToleratedFailurePercentage: 100, ToleratedFailureCount: 1 })).toBe('FAILED');
  });

  it('gives the record of a child that failed in its place', async () => {
    const { output } = await new Workbench(odd).run(map(odds, { Items: [1, 2], ToleratedFailureCount: 1 }, 'EXPRESS'));
    expect(output[1]).toBe(2);
    expect(output[0]).toMatchObject({ Status: 'FAILED', Error: 'Odd', Input: '1', InputDetails: { Included: true } });
  });

  it('is caught, and retried with a new Map Run', async () => {
    const bench = new Workbench(odd);
    const { output, arn } = await bench.run({
      StartAt: 'M',
      States: {
        M: {
          Type: 'Map',
          Items: [1],
          ItemProcessor: processor(odds),
          Retry: [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], MaxAttempts: 1 }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C', Output: '{% $states.errorOutput.Error %}' }],
          End: true,
        },
        C: { Type: 'Succeed' },
      },
    });
    expect(output).toBe('States.ExceedToleratedFailureThreshold');
    expect((await bench.states('ListMapRuns', { executionArn: arn })).mapRuns).toHaveLength(2);
  });
});

describe('ItemBatcher', () => {
  it('groups items by count, with BatchInput beside them', async () => {
    const { output } = await new Workbench().run(
      map(PASS, {
        Items: [1, 2, 3],
        ItemBatcher: { MaxItemsPerBatch: '{% $states.input.n %}', BatchInput: { x: '{% $states.input.x %}' } },
      }),
      { n: 2, x: 'X' },
    );
    expect(output).toEqual([
      { BatchInput: { x: 'X' }, Items: [1, 2] },
      { BatchInput: { x: 'X' }, Items: [3] },
    ]);
  });

  it('groups items by bytes of the whole input', async () => {
    const { output } = await new Workbench().run(
      map(PASS, { Items: ['aaaa', 'bbbb', 'cccc', 'd'], ItemBatcher: { MaxInputBytesPerBatch: 27 } }),
    );
    // {"Items":["aaaa","bbbb"]} has 25 bytes, a third one would make it 32.
    expect(output).toEqual([{ Items: ['aaaa', 'bbbb'] }, { Items: ['cccc', 'd'] }]);
  });

  it('counts items, not batches, as failed', async () => {
    const boom = {
      boom: () => {
        throw new FunctionError('Boom', '');
      },
    };
    const run = async (ToleratedFailureCount: number) =>
      (
        await new Workbench(boom).run(
          map(
            { Type: 'Task', Resource: functionArn('boom') },
            { Items: [1, 2, 3], ItemBatcher: { MaxItemsPerBatch: 3 }, ToleratedFailureCount },
          ),
        )
      ).status;
    expect(await run(2)).toBe('FAILED');
    expect(await run(3)).toBe('SUCCEEDED');
  });
});

describe('ItemReader', () => {
  const read = async (bench: Workbench, config: Json, ...rest: Json[]) =>
    (await bench.run(map(PASS, { MaxConcurrency: 1, ...reader(config, ...rest) }))).output;

  it('reads a JSON array, or what ItemsPointer points to', async () => {
    expect(await read(withObjects({ 'b/k': '[1,{"a":2}]' }), { InputType: 'JSON' })).toEqual([1, { a: 2 }]);
    const nested = withObjects({ 'b/k': '{"a":{"x/y":[{"b":[7,8]}]},"o":{"p":1}}' });
    expect(await read(nested, { InputType: 'JSON', ItemsPointer: '/a/x~1y/0/b' })).toEqual([7, 8]);
    expect(await read(nested, { InputType: 'JSON', ItemsPointer: '/o' })).toEqual([{ Key: 'p', Value: 1 }]);
  });

  it('reads JSON Lines, also packed, and stops at MaxItems', async () => {
    const lines = '{"n":1}\n{"n":2}\n\n{"n":3}\n';
    expect(await read(withObjects({ 'b/k': lines }), { InputType: 'JSONL' })).toHaveLength(3);
    expect(
      await read(withObjects({ 'b/k': gzipSync(lines) }), { InputType: 'JSONL', MaxItems: '{% 1 + 1 %}' }),
    ).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('reads CSV with headers from the file or given, and its delimiters', async () => {
    const csv = withObjects({ 'b/k': 'id,name\r\n1,"Doe, ""J"""\r\n\r\n2\n3,c,more\n', 'b/t': '1|2\n' });
    expect(await read(csv, { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' })).toEqual([
      { id: '1', name: 'Doe, "J"' },
      { id: '2', name: '' },
      { id: '3', name: 'c' },
    ]);
    const given = { InputType: 'CSV', CSVHeaderLocation: 'GIVEN', CSVHeaders: ['a', 'b'], CSVDelimiter: 'PIPE' };
    expect(await read(csv, given, { Bucket: 'b', Key: 't' })).toEqual([{ a: '1', b: '2' }]);
  });

  it('lists objects, page by page', async () => {
    const bench = withObjects({ 'b/x/1': 'a', 'b/x/2': 'bb', 'b/x/3': 'c', 'b/y': '' });
    const items = await read(bench, { MaxItems: 100 }, { Bucket: 'b', Prefix: 'x/' }, 'listObjectsV2');
    expect(items).toEqual(
      ['x/1', 'x/2', 'x/3'].map((Key) => ({
        Etag: '"e"',
        Key,
        LastModified: Date.UTC(2026, 0, 1) / 1000,
        Size: Key === 'x/2' ? 2 : 1,
        StorageClass: 'STANDARD',
      })),
    );
  });

  it('loads and flattens what it lists, with the source of each item', async () => {
    const bench = withObjects({ 'b/x/1.jsonl': '1\n2\n', 'b/x/2.jsonl': '3\n' });
    const { output } = await bench.run(
      map(PASS, {
        ...reader(
          { InputType: 'JSONL', Transformation: 'LOAD_AND_FLATTEN' },
          { Bucket: 'b', Prefix: 'x/' },
          'listObjectsV2',
        ),
        ItemSelector:
          '{% [$states.context.Map.Item.Index, $states.context.Map.Item.Value, $states.context.Map.Item.Source] %}',
      }),
    );
    expect(output).toEqual([
      [0, 1, 'S3://b/x/1.jsonl'],
      [1, 2, 'S3://b/x/1.jsonl'],
      [2, 3, 'S3://b/x/2.jsonl'],
    ]);
  });

  it('reads what the manifest of an Athena UNLOAD lists', async () => {
    const bench = withObjects({ 'b/m.csv': 's3://b/1\ns3://b/2\n', 'b/1': gzipSync('{"n":1}\n'), 'b/2': '{"n":2}\n' });
    const items = await read(bench, { ManifestType: 'ATHENA_DATA', InputType: 'JSONL' }, { Bucket: 'b', Key: 'm.csv' });
    expect(items).toEqual([{ n: 1 }, { n: 2 }]);
    expect(bench.calls.map(({ input }) => input.Key)).toEqual(['m.csv', '1', '2']);
  });

  it('reads what the manifest of an S3 inventory lists', async () => {
    const manifest = {
      sourceBucket: 'src',
      destinationBucket: 'arn:aws:s3:::b',
      fileFormat: 'CSV',
      fileSchema: 'Bucket, Key, Size',
      files: [{ key: 'i/1.csv.gz' }, { key: 'i/2.csv.gz' }],
    };
    const bench = withObjects({
      'b/manifest.json': JSON.stringify(manifest),
      'b/i/1.csv.gz': gzipSync('"src","a.txt","10"\n"src","b.txt","20"\n'),
      'b/i/2.csv.gz': gzipSync('"src","c.txt","30"\n'),
    });
    const at = { Bucket: 'b', Key: 'manifest.json' };
    const rows = [
      { Bucket: 'src', Key: 'a.txt', Size: '10' },
      { Bucket: 'src', Key: 'b.txt', Size: '20' },
      { Bucket: 'src', Key: 'c.txt', Size: '30' },
    ];
    expect(await read(bench, { ManifestType: 'S3_INVENTORY' }, at)).toEqual(rows);
    expect(await read(bench, { InputType: 'MANIFEST', MaxItems: 2 }, at)).toEqual(rows.slice(0, 2));
  });

  it('reads Parquet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daybook-test-'));
    const file = join(folder, 'f.parquet');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(
      `COPY (SELECT i AS id, 'name' || i AS name, {'a': [i]} AS nested FROM range(3) t(i)) TO '${file}' (FORMAT parquet)`,
    );
    const bench = withObjects({ 'b/k': await readFile(file) });
    await rm(folder, { recursive: true });
    const arn = await bench.start(map(PASS, reader({ InputType: 'PARQUET', MaxItems: 2 })));
    // DuckDB works on threads of its own, which virtual time does not wait for.
    for (
      let i = 0;
      i < 200 && (await bench.states('DescribeExecution', { executionArn: arn })).status === 'RUNNING';
      i++
    ) {
      await bench.pass(0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await bench.result(arn)).output).toEqual([
      { id: 0, name: 'name0', nested: { a: [0] } },
      { id: 1, name: 'name1', nested: { a: [1] } },
    ]);
  });

  it('fails with States.ItemReaderFailed', async () => {
    const failed = async (objects: Record<string, string>) =>
      await withObjects(objects).run(map(PASS, reader({ InputType: 'JSON' })));
    const missing = await failed({});
    expect(missing).toMatchObject({ error: 'States.ItemReaderFailed', cause: 'The specified key does not exist.' });
    expect(missing.events.slice(-4)).toEqual(['MapRunStarted', 'MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
    expect((await failed({ 'b/k': '{' })).error).toBe('States.ItemReaderFailed');
    expect((await failed({ 'b/k': '5' })).error).toBe('States.ItemReaderFailed');
  });
});

describe('ResultWriter', () => {
  const writer = (Transformation?: string, OutputType = 'JSON', Prefix = 'out') => ({
    ResultWriter: {
      Resource: 'arn:aws:states:::s3:putObject',
      Arguments: { Bucket: '{% $states.input.bucket %}', Prefix },
      ...(Transformation === undefined ? {} : { WriterConfig: { Transformation, OutputType } }),
    },
  });
  const json = (bench: Workbench, key: string) => JSON.parse(bench.objects.get(key)!.toString());

  it('exports the records of the children and a manifest', async () => {
    const bench = new Workbench(odd);
    const { output, history } = await bench.run(map(odds, { Items: [2, 1], ToleratedFailureCount: 1, ...writer() }), {
      bucket: 'b',
    });
    const { mapRunArn } = history[3].mapRunStartedEventDetails;
    const folder = `out/${mapRunArn.split(':').at(-1)}`;
    expect(output).toEqual({
      MapRunArn: mapRunArn,
      ResultWriterDetails: { Bucket: 'b', Key: `${folder}/manifest.json` },
    });
    const succeeded = bench.objects.get(`b/${folder}/SUCCEEDED_0.json`)!;
    expect(json(bench, `b/${folder}/manifest.json`)).toEqual({
      DestinationBucket: 'b',
      MapRunArn: mapRunArn,
      ResultFiles: {
        FAILED: [{ Key: `${folder}/FAILED_0.json`, Size: bench.objects.get(`b/${folder}/FAILED_0.json`)!.length }],
        PENDING: [],
        SUCCEEDED: [{ Key: `${folder}/SUCCEEDED_0.json`, Size: succeeded.length }],
      },
    });
    expect(JSON.parse(succeeded.toString())).toEqual([
      {
        ExecutionArn: expect.stringMatching(/:execution:m1\/lab:/),
        Input: '2',
        InputDetails: { Included: true },
        Name: expect.any(String),
        Output: '2',
        OutputDetails: { Included: true },
        RedriveCount: 0,
        RedriveStatus: 'NOT_REDRIVABLE',
        RedriveStatusReason: 'Execution is SUCCEEDED and cannot be redriven',
        StartDate: '2026-01-01T00:00:00.000Z',
        StateMachineArn: `${machineArn('m1')}/lab`,
        Status: 'SUCCEEDED',
        StopDate: '2026-01-01T00:00:00.000Z',
      },
    ]);
    expect(json(bench, `b/${folder}/FAILED_0.json`)).toMatchObject([{ Error: 'Odd', Status: 'FAILED', Input: '1' }]);
  });

  it('transforms the outputs: COMPACT keeps them, FLATTEN joins arrays, JSONL writes lines', async () => {
    const state = { Type: 'Pass', Output: '{% [$states.input, $states.input * 10] %}' };
    const inline = async (Transformation: string) =>
      (
        await new Workbench().run(
          map(state, { Items: [1, 2], ResultWriter: { WriterConfig: { Transformation, OutputType: 'JSON' } } }),
        )
      ).output;
    expect(await inline('COMPACT')).toEqual([
      [1, 10],
      [2, 20],
    ]);
    expect(await inline('FLATTEN')).toEqual([1, 10, 2, 20]);
    expect(await inline('NONE')).toMatchObject([{ Output: '[1,10]', Status: 'SUCCEEDED' }, { Output: '[2,20]' }]);
    const bench = new Workbench();
    const { output } = await bench.run(map(state, { Items: [1, 2], ...writer('FLATTEN', 'JSONL', '') }), {
      bucket: 'b',
    });
    const key = output.ResultWriterDetails.Key.replace('manifest.json', 'SUCCEEDED_0.jsonl');
    expect(bench.objects.get(`b/${key}`)!.toString()).toBe('1\n10\n2\n20\n');
  });

  it('exports what there is when the Map Run fails', async () => {
    const bench = new Workbench(odd);
    const { error } = await bench.run(map(odds, { Items: [2, 1, 4], MaxConcurrency: 1, ...writer() }), { bucket: 'b' });
    expect(error).toBe('States.ExceedToleratedFailureThreshold');
    const names = [...bench.objects.keys()].map((key) => key.split('/').at(-1)).sort();
    expect(names).toEqual(['FAILED_0.json', 'PENDING_0.json', 'SUCCEEDED_0.json', 'manifest.json']);
  });

  it('fails with States.ResultWriterFailed', async () => {
    const bench = new Workbench(
      {},
      {
        s3: () => {
          throw new Error('bucket is gone');
        },
      },
    );
    const { error, cause } = await bench.run(map(PASS, { Items: [1], ...writer() }), { bucket: 'b' });
    expect({ error, cause }).toEqual({ error: 'States.ResultWriterFailed', cause: 'bucket is gone' });
  });
});
