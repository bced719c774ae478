import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ImportOptions, importEvents, type Refusal } from '../../../src/import/import-events.ts';
import { readLines } from '../../../src/import/read-lines.ts';
import { createEventStore, type EventTable } from '../../../src/index.ts';
import { faultyEventTable, InjectedFault, memoryEventTable } from '../../../src/testing/index.ts';
import { Account, deposited } from '../../contract/bank.ts';

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const line = (aggregateUuid: string, more: object = {}) => ({
  aggregateUuid,
  type: 'Happened',
  data: { n: 1 },
  ...more,
});

async function runImport(table: EventTable, lines: readonly unknown[], more: Partial<ImportOptions> = {}) {
  const text = lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n');
  const refusals: Refusal[] = [];
  const summary = await importEvents({
    table,
    lines: readLines(chunksOf(Buffer.from(text), 100)),
    onError: 'stop',
    onRefused: (refusal) => refusals.push(refusal),
    ...more,
  });
  return { summary, refusals };
}

const stored = (table: ReturnType<typeof memoryEventTable>) =>
  table
    .all()
    .map(({ aggregateUuid, version }) => `${aggregateUuid}${version}`)
    .sort();

describe('importing', () => {
  it('numbers each aggregate’s lines, takes their time as when it happened, and keeps their text', async () => {
    const table = memoryEventTable();
    const { summary } = await runImport(table, [
      line('a', { aggregateType: 'Account', recordedAt: '2017-10-30T23:41:12+01:00', metadata: { by: 'Bob' } }),
      line('b'),
      '',
      line('a', { aggregateType: 'Account', version: 2, data: [1, 'ä'] }),
    ]);
    expect(summary).toEqual({ lines: 3, written: 3, alreadyThere: 0, refused: 0, aggregates: 2, differing: 0 });
    const [first, second] = table.all().filter(({ aggregateUuid }) => aggregateUuid === 'a');
    expect(first).toMatchObject({
      version: 1,
      aggregateType: 'Account',
      occurredAt: '2017-10-30T22:41:12.000Z',
      data: '{"n":1}',
      metadata: '{"by":"Bob"}',
    });
    expect(second).toMatchObject({ version: 2, data: '[1,"ä"]', occurredAt: second!.recordedAt });
    expect(await table.get('b', 1)).toMatchObject({ aggregateType: 'Aggregate' });
  });

  it('appends nothing when it is run again', async () => {
    const table = memoryEventTable();
    const lines = Array.from({ length: 1000 }, (_, i) => line(`a${i % 7}`, { data: { i } }));
    await runImport(table, lines);
    const before = table.all();
    let calls = 0;
    const counted: EventTable = {
      ...table,
      put: (commit) => {
        calls++;
        return table.put(commit);
      },
      query: (aggregateUuid, options) => {
        calls++;
        return table.query(aggregateUuid, options);
      },
    };
    const { summary } = await runImport(counted, lines);
    expect(summary).toMatchObject({ written: 0, alreadyThere: 1000, refused: 0 });
    // It looks ahead: far fewer calls than lines.
    expect(calls).toBeLessThan(100);
    expect(table.all()).toEqual(before);
  });

  it('goes on where it was killed, wherever that was', async () => {
    const lines = Array.from({ length: 400 }, (_, i) => line(`a${(i * 7) % 5}`, { data: { i } }));
    for (let puts = 1; puts <= 20; puts += 3) {
      const table = memoryEventTable();
      let left = puts;
      const dying: EventTable = {
        ...table,
        async put(commit) {
          if (left-- <= 0) throw new InjectedFault('killed');
          return await table.put(commit);
        },
      };
      await expect(runImport(dying, lines)).rejects.toThrow(InjectedFault);
      const written = table.all().length;
      expect(written).toBeGreaterThan(0);
      const { summary } = await runImport(table, lines);
      expect(summary).toMatchObject({ written: 400 - written, alreadyThere: written, refused: 0 });
    }
  });

  it('survives lost answers', async () => {
    const table = memoryEventTable();
    let puts = 0;
    const forgetful = faultyEventTable(table, { lostAnswers: 1, random: () => (puts++ === 0 ? 0 : 1) });
    await expect(runImport(forgetful, [line('a'), line('b')])).rejects.toThrow('lost');
    expect((await runImport(table, [line('a'), line('b')])).summary).toMatchObject({ refused: 0, written: 1 });
  });

  it('keeps commits whole and at most 100 events, also where a transaction would be too large', async () => {
    const table = memoryEventTable();
    const large = { text: 'x'.repeat(300_000) };
    const lines = [
      ...Array.from({ length: 350 }, () => line('many')),
      ...Array.from({ length: 30 }, () => line('large', { data: large })),
    ];
    const text = Buffer.from(lines.map((one) => JSON.stringify(one)).join('\n'));
    const oneChunk = readLines(chunksOf(text, text.length));
    expect((await runImport(table, [], { lines: oneChunk })).summary.written).toBe(380);
    const sizes = new Map<string, number>();
    for (const { commitId } of table.all()) sizes.set(commitId, (sizes.get(commitId) ?? 0) + 1);
    expect(Math.max(...sizes.values())).toBe(100);
    expect(table.all().filter(({ aggregateUuid }) => aggregateUuid === 'large')).toHaveLength(30);
  });

  it('stops at a bad line with everything before it written', async () => {
    const table = memoryEventTable();
    const { summary, refusals } = await runImport(table, [line('a'), line('b'), 'nonsense', line('a')]);
    expect(summary.stoppedBy).toMatchObject({ line: 3 });
    expect(refusals).toHaveLength(1);
    expect(refusals[0]!.problem).toContain('not JSON');
    expect(stored(table)).toEqual(['a1', 'b1']);
  });

  it('stops at what is stored and differs: nothing behind it is begun, what is before it is written', async () => {
    const table = memoryEventTable();
    await runImport(table, [line('bad', { data: 'other' })]);
    const slow: EventTable = {
      ...table,
      async put(commit) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return await table.put(commit);
      },
    };
    const lines = [
      ...Array.from({ length: 10 }, (_, i) => line(`before${i}`)),
      line('bad'),
      line('bad'),
      ...Array.from({ length: 3000 }, (_, i) => line(`after${i}`)),
      line('before0'),
    ];
    const { summary, refusals } = await runImport(slow, lines, { concurrency: 4 });
    expect(refusals).toEqual([expect.objectContaining({ line: 11, differs: true })]);
    expect(summary).toMatchObject({ stoppedBy: { line: 11 }, refused: 1 });
    expect(stored(table).filter((id) => id.startsWith('before'))).toEqual(
      lines.slice(0, 10).map((one) => `${one.aggregateUuid}1`),
    );
    // The writers that were at work beside it had one each under way, and may have gone to the next while it looked.
    expect(stored(table).filter((id) => id.startsWith('after')).length).toBeLessThanOrEqual(8);
  });

  it('with one writer nothing behind the line that stops is written, and the lowest refused line is named', async () => {
    const table = memoryEventTable();
    await runImport(table, [line('a', { data: 1 }), line('b', { data: 1 })]);
    const lines = [line('ok'), line('b'), ...Array.from({ length: 500 }, (_, i) => line(`after${i}`)), 'nonsense'];
    const text = Buffer.from(lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));
    const { summary, refusals } = await runImport(table, [], {
      lines: readLines(chunksOf(text, text.length)),
      concurrency: 1,
    });
    expect(refusals.map((refusal) => refusal.line)).toEqual([503, 2]);
    expect(summary.stoppedBy).toMatchObject({ line: 2, differs: true });
    expect(stored(table)).toEqual(['a1', 'b1', 'ok1']);
  });

  it('skips a bad line, and those that would then leave a hole', async () => {
    const table = memoryEventTable();
    const { summary, refusals } = await runImport(
      table,
      [
        line('a', { version: 1 }),
        line('a', { version: 2, data: undefined }),
        line('a', { version: 3 }),
        line('b'),
        line('b', { type: '' }),
        line('b'),
        line('c', { version: 5 }),
        line('d', { version: 1 }),
        line('d', { version: 1 }),
        line('c', { version: 6 }),
      ],
      { onError: 'skip' },
    );
    expect(summary).toMatchObject({ written: 4, refused: 6, differing: 0 });
    expect(stored(table)).toEqual(['a1', 'b1', 'b2', 'd1']);
    expect(refusals.map((refusal) => refusal.line).sort((a, b) => a - b)).toEqual([2, 3, 5, 7, 9, 10]);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(
      new Set(['event.invalid', 'event.badType', 'import.hole', 'import.tooLate', 'import.afterRefused']),
    );
    const problem = (number: number) => refusals.find((refusal) => refusal.line === number)?.problem;
    expect(problem(3)).toContain('version 3 would leave a hole');
    expect(problem(7)).toContain('neither before it in the file nor in the table');
    expect(problem(9)).toContain('version 1 comes too late');
    expect(problem(10)).toContain('version 5 of its aggregate was refused (line 7)');
  });

  it.each([
    ['what is no JSON', '{', 'import.notJson: it is not JSON'],
    ['an array', '[1]', 'import.notAnObject: it is no JSON object'],
    ['an unknown field', line('a', { id: 7 }), 'import.unknownField: it has a field id'],
    ['no aggregate', { type: 'X', data: 1 }, 'aggregate.badId'],
    ['no type', { aggregateUuid: 'a', data: 1 }, 'event.badType'],
    ['no data', { aggregateUuid: 'a', type: 'X' }, 'is missing'],
    ['a version of 0', line('a', { version: 0 }), 'version.notAllowed'],
    [
      'a version that a double cannot hold',
      '{"aggregateUuid":"a","type":"X","data":1,"version":9007199254740993}',
      'version.notAllowed: version is 9007199254740993; allowed are whole numbers from 1 to 9007199254740991',
    ],
    ['a version of 1.5', line('a', { version: 1.5 }), 'version.notAllowed'],
    ['a time without a zone', line('a', { recordedAt: '2020-01-01T00:00:00' }), 'event.badOccurredAt'],
    ['metadata that is no object', line('a', { metadata: 1 }), 'must be an object'],
    ['a type of another kind', line('a', { aggregateType: 3 }), 'aggregate.badType'],
    ['an item over the limit', line('a', { data: 'x'.repeat(410_000) }), 'append.itemTooLarge'],
    [
      'an integer that a double cannot hold',
      '{"aggregateUuid":"a","type":"X","data":12345678901234567891}',
      'cannot be kept exactly',
    ],
    ['a number out of range', '{"aggregateUuid":"a","type":"X","data":1e999}', 'Infinity is not JSON'],
    [
      'a line over the limit',
      `{"aggregateUuid":"a","type":"X","data":"${'x'.repeat(5_000_000)}"}`,
      'the limit is 4194304',
    ],
  ])('refuses %s', async (_what, bad, problem) => {
    const table = memoryEventTable();
    const { refusals } = await runImport(table, [line('before'), bad, line('after')], { onError: 'skip' });
    const code = refusals[0]?.code;
    expect(code).toMatch(/^[a-z]+\.[a-zA-Z0-9]+$/);
    expect(refusals).toEqual([{ line: 2, code, problem: expect.stringContaining(problem), differs: false }]);
    expect(refusals[0]?.problem.startsWith(`${code}: `)).toBe(true);
    expect(stored(table)).toEqual(['after1', 'before1']);
  });

  it('takes numbers that only look inexact', async () => {
    const table = memoryEventTable();
    const data = '{"a":9007199254740993.0e0,"b":"12345678901234567891"}';
    const fine = '{"n":9007199254740992,"f":0.30000000000000004,"t":"12345678901234567891","z":10000000000000000000}';
    const lines = [
      `{"aggregateUuid":"a","type":"X","data":${fine}}`,
      `{"aggregateUuid":"b","type":"X","data":${data}}`,
    ];
    const { refusals } = await runImport(table, lines, { onError: 'skip' });
    expect(refusals.map((refusal) => refusal.line)).toEqual([]);
  });

  it('reports what is there and differs, writes nothing over it and nothing behind it', async () => {
    const table = memoryEventTable();
    await runImport(table, [line('a'), line('a'), line('b')]);
    const before = table.all();
    const { summary, refusals } = await runImport(
      table,
      [line('a'), line('a', { data: { n: 2 } }), line('a'), line('b'), line('b', { type: 'More' })],
      { onError: 'skip' },
    );
    expect(summary).toMatchObject({ written: 1, alreadyThere: 2, refused: 2, differing: 1 });
    expect(refusals[0]).toEqual({
      line: 2,
      code: 'import.differs',
      problem: 'import.differs: version 2 is there already with another data',
      differs: true,
    });
    expect(table.all().slice(0, before.length)).toEqual(expect.arrayContaining(before.slice(0, 2)));
    expect(await table.get('a', 3)).toBeUndefined();
  });

  it('keeps an aggregate’s type: of its lines, and of what is stored', async () => {
    const table = memoryEventTable();
    const typed = (aggregateUuid: string, aggregateType: string, more: object = {}) =>
      line(aggregateUuid, { aggregateType, ...more });
    const lines = [typed('a', 'Account'), typed('a', 'Customer'), typed('a', 'Account'), typed('b', 'Customer')];
    const first = await runImport(table, lines, { onError: 'skip' });
    expect(first.refusals).toEqual([
      {
        line: 2,
        code: 'aggregate.wrongType',
        problem: expect.stringContaining('"a" has the type Account (version 1 says so), not Customer'),
        differs: false,
      },
    ]);
    expect(stored(table)).toEqual(['a1', 'a2', 'b1']);
    // From its first version on, where the commit is otherwise the same, and behind what is there.
    for (const wrong of [typed('a', 'Customer'), typed('a', 'Customer', { version: 3 })]) {
      const { refusals } = await runImport(table, [wrong]);
      expect(refusals).toEqual([expect.objectContaining({ line: 1, code: 'aggregate.wrongType', differs: true })]);
    }
    expect(stored(table)).toEqual(['a1', 'a2', 'b1']);
  });

  it('goes on from a version that is in the table, and follows an application’s events', async () => {
    const table = memoryEventTable();
    const ahead = Date.now() + 3_600_000;
    const store = createEventStore({ table, clock: { now: () => ahead } });
    await store.append({ aggregate: Account, aggregateUuid: 'a', expectedVersion: 0 }, [deposited(1), deposited(2)]);
    const more = [3, 4].map((n) => ({ aggregateUuid: 'a', aggregateType: 'Account', version: n, ...deposited(n) }));
    expect((await runImport(table, more)).summary).toMatchObject({ written: 2 });
    expect((await store.load(Account, 'a')).state.balance).toBe(10);
    // Another machine's clock was ahead: the time of recording does not fall for that.
    expect((await table.get('a', 3))?.recordedAt).toBe(new Date(ahead).toISOString());
  });

  it('checks events against an app’s schemas, and finds their aggregate by them', async () => {
    const table = memoryEventTable();
    const { summary, refusals } = await runImport(
      table,
      [
        { aggregateUuid: 'a', ...deposited(5) },
        { aggregateUuid: 'a', ...deposited(0) },
        { aggregateUuid: 'a', type: 'Unknown', data: {} },
        { aggregateUuid: 'a', aggregateType: 'Other', ...deposited(5) },
      ],
      { onError: 'skip', aggregates: [Account] },
    );
    expect(summary.written).toBe(1);
    expect((await table.get('a', 1))?.aggregateType).toBe('Account');
    expect(refusals.map(({ problem }) => problem.split(':')[0])).toEqual([
      'event.invalid',
      'import.unknownAggregate',
      'import.unknownAggregate',
    ]);
    expect(refusals[2]!.problem).toContain(
      'has no aggregate Other, which MoneyDeposited would be an event of; it has Account',
    );
  });

  it('reads any chunks, line ends, a byte order mark and gzip alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string()),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        async (texts, size, zip) => {
          const lines = texts.map((text) => JSON.stringify(text));
          const bytes = Buffer.from(`\ufeff${lines.join(size % 2 === 0 ? '\n' : '\r\n')}`);
          const seen: string[] = [];
          for await (const run of readLines(chunksOf(zip ? gzipSync(bytes) : bytes, size))) {
            for (const { text, number } of run) {
              expect(number).toBe(seen.length + 1);
              seen.push(String(text));
            }
          }
          expect(seen).toEqual(lines);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('reports what is not UTF-8', async () => {
    const table = memoryEventTable();
    const bad = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]);
    const refusals: Refusal[] = [];
    const onRefused = (refusal: Refusal) => refusals.push(refusal);
    await importEvents({ table, lines: readLines(chunksOf(bad, 7)), onError: 'skip', onRefused });
    expect(refusals).toEqual([
      { line: 1, code: 'import.notUtf8', problem: 'import.notUtf8: it is not UTF-8', differs: false },
    ]);
  });

  it('writes what a truncated archive has, says how much that is, and goes on with the whole one', async () => {
    const table = memoryEventTable();
    const lines = Array.from({ length: 5000 }, (_, i) =>
      line(`a${i % 50}`, { data: { i, text: createHash('md5').update(`${i}`).digest('hex') } }),
    );
    const whole = gzipSync(Buffer.from(lines.map((one) => JSON.stringify(one)).join('\n')));
    const run = (bytes: Uint8Array) =>
      importEvents({ table, lines: readLines(chunksOf(bytes, 1000)), onError: 'stop' });
    const error = await run(whole.subarray(0, whole.length / 2)).catch((thrown: unknown) => thrown);
    const taken = table.all().length;
    expect(taken).toBeGreaterThan(1000);
    expect(error).toMatchObject({ code: 'import.unreadable', details: { lines: taken, taken } });
    expect((error as Error).message).toMatch(
      /its gzip data is cut off or damaged \(unexpected end of file\)\. \d+ events are stored; get the whole file and run it again/,
    );
    expect(await run(whole)).toMatchObject({ alreadyThere: taken, written: 5000 - taken, refused: 0 });
  });

  const history = fileURLToPath(new URL('../../../../shared/data/git-fast-check.jsonl.gz', import.meta.url));
  it.skipIf(!existsSync(history))('brings a real history in, exactly', async () => {
    const table = memoryEventTable();
    const summary = await importEvents({ table, lines: readLines(createReadStream(history)), onError: 'stop' });
    expect(summary).toMatchObject({ lines: 24613, written: 24613, refused: 0, aggregates: 2143 });
    const lines = table.all().map(({ aggregateUuid, version, type }) => `${aggregateUuid}:${version}:${type}\n`);
    const hash = createHash('sha256').update(lines.sort().join('')).digest('hex');
    expect(hash).toBe('6228e88601f1f36f796c5cf479d9340b85b27b02f4c5a8ab5abb1745fb1757bf');
  });
});
