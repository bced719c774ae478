import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toItem } from '../../../src/aws/event-item.ts';
import type { CheckReport } from '../../../src/check/check-history.ts';
import { createEventStore } from '../../../src/store/event-store.ts';
import { hostTable } from './hosted-table.ts';

let hosted: Awaited<ReturnType<typeof hostTable>>;
const written: string[] = [];

beforeAll(async () => {
  hosted = await hostTable();
});

afterAll(async () => {
  await hosted.close();
  for (const file of written) rmSync(file, { force: true });
});

/** An app about to be deployed. */
function appFile(
  name: string,
  { minimum = 1, evolve = '(state, event) => ({ total: state.total + event.data.amount })' },
) {
  const file = path.join(process.cwd(), 'test/src/cli', `.check-${name}-${process.pid}.ts`);
  written.push(file);
  writeFileSync(
    file,
    `import { defineAggregate, defineApp, defineEvent } from 'daybook';
const Paid = defineEvent({ type: 'Paid', data: { type: 'object', properties: { amount: { type: 'integer', minimum: ${minimum} } }, required: ['amount'] } });
const Bill = defineAggregate({ type: 'Bill', events: [Paid], initialState: () => ({ total: 0 }), evolve: ${evolve} });
export default defineApp({ name: 'bills', aggregates: [Bill] });
`,
  );
  return file;
}

const paid = (aggregateUuid: string, version: number, amount: number) => ({
  aggregateUuid,
  aggregateType: 'Bill',
  version,
  type: 'Paid',
  schemaVersion: 1,
  commitId: `${aggregateUuid}-${version}`,
  commitFirst: version,
  commitLast: version,
  recordedAt: '2026-01-01T00:00:00.000Z',
  occurredAt: '2026-01-01T00:00:00.000Z',
  data: JSON.stringify({ amount }),
});

describe('daybook check', () => {
  it('says what it will read and its price, checks, and is silent on standard output but for the result', async () => {
    const store = createEventStore({ table: hosted.table });
    for (let i = 0; i < 30; i++) {
      const target = { aggregate: 'Bill', aggregateUuid: `bill-${i}`, expectedVersion: 0 };
      await store.append(target, [
        { type: 'Paid', data: { amount: 10 + i } },
        { type: 'Paid', data: { amount: 7 } },
      ]);
    }
    const app = appFile('good', {});
    const good = await hosted.daybook('check', '--app', app);
    expect(good.code).toBe(0);
    expect(good.err[0]).toMatch(/ counts 60 events of 30 aggregates, \d+ kB/);
    expect(good.err[1]).toMatch(/^a full check: about \d+ read units, less than one cent on demand in us-east-1/);
    expect(good.out).toEqual(['nothing found', expect.stringMatching(/^60 events of 30 aggregates checked, 0 states/)]);
    expect(good.err[2]).toMatch(/^no state is compared with a stored one: .* DAYBOOK_SNAPSHOTS_TABLE/);
    const alone = await hosted.daybook('check', '--app', app, '--no-compare');
    expect(alone.err.join()).not.toContain('no state is compared');
    expect(JSON.parse((await hosted.daybook('check', '--app', app, '--json')).out[0]!)).toMatchObject({
      comparedWith: [],
    });
    vi.stubEnv('DAYBOOK_SNAPSHOTS_TABLE', hosted.snapshotsTable);
    const compared = await hosted.daybook('check', '--app', app);
    expect(compared.err.join()).not.toContain('no state is compared');
    expect(JSON.parse((await hosted.daybook('check', '--app', app, '--json')).out[0]!)).toMatchObject({
      comparedWith: ['snapshots'],
    });
    vi.unstubAllEnvs();
    const dry = await hosted.daybook('check', '--app', app, '--dry-run', '--json');
    expect(dry).toMatchObject({ code: 0, err: [] });
    // 60 items of some 250 bytes, 30 queries that round up, the index.
    expect(JSON.parse(dry.out[0]!).full.readUnits).toBeGreaterThanOrEqual(15);
    expect(JSON.parse(dry.out[0]!).size).toMatchObject({ events: 60, aggregates: 30 });
  });

  it('fails with what it found: rows and examples for people, one line for machines', async () => {
    const app = appFile('strict', { minimum: 38 });
    const { code, out, err } = await hosted.daybook('check', '--app', app);
    expect(code).toBe(1);
    expect(out.slice(0, 3)).toEqual([
      'level  code           what                      events',
      'error  event.invalid  Bill · Paid v1 · /amount  58 in 30 aggregates',
      '    bill-0 version 1: is below the minimum 38',
    ]);
    expect(err.at(-1)).toContain('cli.checkFound: The code does not fit what is stored: 58 errors of 1 kind,');
    const json = await hosted.daybook('check', '--app', app, '--json', '--sample', '0.4', '--seed', '3');
    expect(json.code).toBe(1);
    expect(json.out).toHaveLength(1);
    const report = JSON.parse(json.out[0]!) as CheckReport & { sample: number; seed: number };
    expect(report).toMatchObject({ sample: 0.4, seed: 3 });
    expect(report.aggregates).toBeGreaterThan(3);
    expect(report.aggregates).toBeLessThan(22);
    const again = await hosted.daybook('check', '--app', app, '--json', '--sample', '0.4', '--seed', '3');
    expect(JSON.parse(again.out[0]!).findings).toEqual(report.findings);
    const shown = await hosted.daybook('check', '--app', app, '--data', '--examples', '1', '--aggregate', 'bill-4');
    expect(shown.out.slice(2, 4)).toEqual(['    bill-4 version 1: 14 is below the minimum 38', '      {"amount":14}']);
  });

  it('names the place in the app’s own source where a fold threw', async () => {
    const app = appFile('throws', {
      evolve: '(state, event) => event.data.lines.reduce((sum, line) => sum + line, 0)',
    });
    const { code, out } = await hosted.daybook('check', '--app', app, '--limit', '5');
    expect(code).toBe(1);
    expect(out[1]).toMatch(/^error {2}fold\.failed {2}Bill · Paid v1 {2}5 in 5 aggregates$/);
    expect(out[2]).toContain("TypeError: Cannot read properties of undefined (reading 'reduce')");
    expect(out[2]).toHaveLength(100);
    const json = await hosted.daybook('check', '--app', app, '--limit', '5', '--json');
    const { findings } = JSON.parse(json.out[0]!) as CheckReport;
    expect(findings[0]!.examples[0]!.message).toContain(`(${path.basename(app)}:3:`);
  });

  it('tells of items that something else wrote, each, and of what lies beyond them', async () => {
    const put = async (item: object) =>
      await hosted.client.send(new PutItemCommand({ TableName: hosted.tableName, Item: item as never }));
    for (const version of [1, 2, 4, 6]) await put(toItem(paid('odd', version, version === 6 ? -1 : 5)));
    const { Data: _, ...withoutData } = toItem(paid('odd', 3, 5));
    await put(withoutData);
    await put({ ...toItem(paid('odd', 5, 5)), Format: { N: '9' } });
    await put(toItem(paid('holed', 1, 5)));
    await put(toItem(paid('holed', 3, 5)));
    const args = ['check', '--app', appFile('odd', {}), '--aggregate', 'odd', '--aggregate', 'holed', '--json'];
    const { code, out } = await hosted.daybook(...args);
    const { findings, events } = JSON.parse(out[0]!) as CheckReport;
    expect(code).toBe(1);
    expect(events).toBe(5);
    expect(
      findings.map((finding) => [finding.code, finding.examples[0]!.aggregateUuid, finding.examples[0]!.version]),
    ).toEqual([
      ['event.invalid', 'odd', 6],
      ['event.missingAttribute', 'odd', 3],
      ['event.unknownFormat', 'odd', 5],
      ['read.hole', 'holed', 2],
    ]);
  });

  it.each([
    [[], 2, 'It takes --app FILE'],
    [['--app', 'nothing.ts'], 2, 'There is no file nothing.ts'],
    [['--app', 'GOOD', '--sample', '0'], 2, '--sample is 0; allowed is above 0 and up to 1'],
    [['--app', 'GOOD', '--sample', 'x'], 2, '--sample is x'],
    [['--app', 'GOOD', '--seed', '3'], 2, '--seed says which --sample is taken'],
    [['--app', 'GOOD', '--limit', '0'], 2, '--limit is 0; allowed are whole numbers from 1'],
    [['--app', 'GOOD', '--concurrency', '999'], 2, '--concurrency is 999; allowed are 1 to 256'],
    [['--app', 'GOOD', '--type', 'A', '--aggregate', 'b'], 2, 'It takes --type or --aggregate, not both'],
    [['--app', 'GOOD', '--type', 'Bil'], 2, 'There are no aggregates of the type Bil, and the app bills has Bill'],
    [['--app', 'GOOD', '--aggregate', 'nobody'], 1, 'cli.noAggregate'],
    [['--app', 'GOOD', 'more'], 2, "Unexpected argument 'more'"],
  ])('refuses %j', async (args, code, message) => {
    const good = appFile('refused', {});
    const { code: actual, err, out } = await hosted.daybook('check', ...args.map((arg) => arg.replace('GOOD', good)));
    expect(err.at(-1)).toContain(message);
    expect(actual).toBe(code);
    expect(out).toEqual([]);
  });
});
