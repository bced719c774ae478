import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { hostTable } from './hosted-table.ts';

let hosted: Awaited<ReturnType<typeof hostTable>>;
let folder: string;

beforeAll(async () => {
  hosted = await hostTable();
  folder = mkdtempSync(path.join(tmpdir(), 'daybook-cli-'));
});

afterAll(async () => {
  await hosted.close();
  rmSync(folder, { recursive: true });
});

const daybook = async (...args: string[]) => await hosted.daybook(...args);

const history = [
  { aggregateUuid: 'a', type: 'Opened', data: { by: 'Bob' }, recordedAt: '2020-01-01T00:00:00Z' },
  { aggregateUuid: 'b', type: 'Opened', data: { by: 'Eve' }, recordedAt: '2020-01-02T00:00:00Z' },
  { aggregateUuid: 'a', type: 'Changed', data: { text: 'x'.repeat(300) }, recordedAt: '2020-01-03T00:00:00Z' },
  { aggregateUuid: 'a', type: 'Changed', data: {}, recordedAt: '2020-01-04T00:00:00Z' },
];

const app = `
import { defineAggregate, defineApp, defineEvent } from 'daybook';
const Opened = defineEvent({ type: 'Opened', data: { type: 'object', properties: { by: { type: 'string' } } } });
const Changed = defineEvent({ type: 'Changed', data: { type: 'object' } });
const Thing = defineAggregate({
  type: 'Thing',
  events: [Opened, Changed],
  initialState: () => ({ by: '', changes: 0 }),
  evolve: (state, event): typeof state =>
    event.type === 'Opened' ? { ...state, by: String(event.data.by) } : { ...state, changes: state.changes + 1 },
});
export default defineApp({ name: 'things', aggregates: [Thing] });
`;

describe('the commands over a table', () => {
  it.each([['list'], ['read', 'a'], ['check', '--app', 'examples/bank/app.ts']])(
    'say in one line that there is no such table: %s',
    async (...args) => {
      const err: string[] = [];
      const terminal = { columns: 200, colored: false, out: () => {}, err: (text: string) => err.push(text) };
      const where = ['--table', 'nobody', '--endpoint-url', hosted.endpoint, '--region', 'us-east-1'];
      expect(await main([...args, ...where], terminal)).toBe(1);
      expect(err).toEqual([expect.stringMatching(/^cli\.notFound: .*Is it the right --table or --stack/)]);
      expect(err[0]).not.toContain('\n');
    },
  );

  it('import a history, and nothing when run again', async () => {
    const file = path.join(folder, 'history.jsonl');
    writeFileSync(file, history.map((line) => JSON.stringify(line)).join('\n'));
    const first = await daybook('import', file, '--type', 'Thing', '--json');
    expect(first).toMatchObject({ code: 0, err: [] });
    expect(JSON.parse(first.out[0]!)).toMatchObject({
      lines: 4,
      written: 4,
      alreadyThere: 0,
      aggregates: 2,
      stopped: false,
    });
    const again = await daybook('import', file, '--type', 'Thing');
    expect(again.out[0]).toContain('0 events written, 4 were there already, 0 lines refused, 2 aggregates');
  });

  it('say which line stopped an import, and fail', async () => {
    const file = path.join(folder, 'bad.jsonl');
    writeFileSync(file, `${JSON.stringify({ aggregateUuid: 'c', type: 'Opened', data: {} })}\n{"aggregateUuid":"c"}\n`);
    const stopped = await daybook('import', file, '--type', 'Thing');
    expect(stopped.code).toBe(1);
    expect(stopped.err[0]).toContain('line 2: event.badType');
    expect(stopped.err.at(-1)).toContain('cli.importStopped: Stopped at line 2');
    expect((await daybook('import', file, '--type', 'Thing', '--on-error', 'skip')).code).toBe(0);
    writeFileSync(file, JSON.stringify({ aggregateUuid: 'c', type: 'Opened', data: { other: 1 } }));
    const differs = await daybook('import', file, '--type', 'Thing', '--on-error', 'skip');
    expect(differs.code).toBe(1);
    expect(differs.err.at(-1)).toContain('cli.importDiffers');
  });

  it('read events as rows, or as JSON', async () => {
    const rows = await daybook('read', 'a', '--to', '2');
    expect(rows.code).toBe(0);
    expect(rows.out[0]).toContain('2020-01-01T00:00:00.000Z  Opened');
    expect(rows.out[1]!.length).toBe(100);
    expect(rows.out[1]).toMatch(/…$/);
    const json = await daybook('read', 'a', '--reverse', '--limit', '2', '--json');
    expect(json.out.map((line) => JSON.parse(line).version)).toEqual([3, 2]);
    const at = await daybook('read', 'a', '--at', '2020-01-03T00:00:00Z', '--json');
    expect(at.out).toHaveLength(2);
    const none = { code: 0, out: [], err: ['no events in this range'] };
    expect(await daybook('read', 'a', '--at', '2019-01-01T00:00:00Z')).toEqual(none);
    const nobody = { code: 1, out: [], err: ['cli.noAggregate: There are no events of "nobody".'] };
    expect(await daybook('read', 'nobody')).toEqual(nobody);
    expect(await daybook('read', 'nobody', '--json')).toEqual(nobody);
    expect(await daybook('when', 'nobody', '--type', 'Opened')).toEqual(nobody);
  });

  it('show the time of the clock that is asked for, and take ids that look like options', async () => {
    const [row] = (await daybook('read', 'a', '--clock', 'recorded', '--since', '2021-01-01T00:00:00Z')).out;
    expect(row).toMatch(/^ {6}1 {2}20\d\d-/);
    expect(row).not.toContain('2020-01-01');
    const file = path.join(folder, 'dashes.jsonl');
    writeFileSync(file, JSON.stringify({ aggregateUuid: '--weird', type: 'Opened', data: {} }));
    await daybook('import', file, '--type', 'Dashed');
    expect((await daybook('read', '--', '--weird')).out).toHaveLength(1);
    expect((await daybook('read', '--weird')).err[0]).toContain('an id that begins with a dash goes last, after --');
    expect(await daybook('list', '--type', 'Nothing')).toEqual({ code: 0, out: [], err: ['no aggregates'] });
  });

  it('fold a state with the app’s own code', async () => {
    const file = path.join(process.cwd(), 'test/src/cli', `.app-${process.pid}.ts`);
    writeFileSync(file, app);
    try {
      const now = await daybook('state', 'a', '--app', file, '--json');
      expect(now.err).toEqual([]);
      expect(JSON.parse(now.out[0]!)).toEqual({
        aggregateUuid: 'a',
        aggregateType: 'Thing',
        version: 3,
        state: { by: 'Bob', changes: 2 },
      });
      const then = await daybook('state', 'a', '--app', file, '--at', '2020-01-02T00:00:00Z');
      expect(then.out[0]).toBe('Thing a at version 1');
      const nobody = await daybook('state', 'nobody', '--app', file);
      expect(nobody).toMatchObject({ code: 1, err: ['cli.noAggregate: There are no events of "nobody".'] });
      const both = await daybook('state', 'a', '--app', file, '--version', '1', '--at', '2020-01-02T00:00:00Z');
      expect(both).toMatchObject({ code: 2, err: [expect.stringContaining('--version or --at, not both')] });
    } finally {
      rmSync(file);
    }
  });

  it('say when something happened, and list aggregates', async () => {
    expect((await daybook('when', 'a', '--type', 'Changed')).out[0]).toContain('      2  2020-01-03');
    expect((await daybook('when', 'a', '--type', 'Changed', '--all')).out).toHaveLength(2);
    expect((await daybook('when', 'a', '--type', 'Closed')).out).toEqual(['never']);
    expect((await daybook('list', '--type', 'Thing')).out.sort()).toEqual(['a', 'b', 'c']);
    expect((await daybook('list', '--type', 'Thing', '--limit', '2')).out).toHaveLength(2);
  });

  it.each([
    [['read'], 2, 'It takes the id of an aggregate'],
    [['read', 'a', 'b'], 2, 'was given 2'],
    [['read', 'a', '--from', 'x'], 2, '--from is "x"; allowed are whole numbers from 1'],
    [['read', 'a', '--from', ''], 2, '--from is ""'],
    [['read', 'a', '--to', '-1'], 2, "Option '--to' argument is ambiguous: a value that begins with a dash"],
    [['read', 'a', '--limit', '1.5'], 2, '--limit is "1.5"'],
    [['read', 'a', '--at', '2026-01-31'], 2, '--at is "2026-01-31"; allowed is a time with its zone'],
    [['read', 'a', '--clock', 'recorded'], 2, '--clock says which time is meant by --at and --since'],
    [['state', 'a', '--app', 'x', '--version', ''], 2, '--version is ""; allowed are whole numbers from 0'],
    [['state', 'a', '--app', 'x', '--clock', 'recorded'], 2, '--clock says which time is meant by --at'],
    [['read', 'a', '--from', '3', '--to', '2'], 2, '--from 3 comes after --to 2'],
    [['read', 'a', '--clock', 'wall'], 2, '--clock is "wall"; there are occurred and recorded'],
    [['read', 'a', '--form', '3'], 2, "Unknown option '--form'"],
    [['state', 'a'], 2, 'It takes --app FILE'],
    [['when', 'a'], 2, 'It takes --type NAME'],
    [['list', '--limit', '0'], 2, '--limit is "0"; allowed are whole numbers from 1'],
    [['import'], 2, 'It takes a file'],
    [['import', 'nothing.jsonl'], 2, 'There is no file nothing.jsonl'],
    [['import', 'package.json', '--on-error', 'ignore'], 2, 'there are stop and skip'],
    [['import', 'package.json', '--concurrency', '0'], 2, 'allowed are 1 to 256'],
  ])('refuse %j', async (args, code, message) => {
    const { code: actual, err } = await daybook(...args);
    expect(err[0]).toContain(message);
    expect(actual).toBe(code);
  });
});
