import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dynamoEventTable } from 'daybook';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { help } from '../../src/cli/replay.ts';
import { hostTable } from '../src/cli/hosted-table.ts';

const guide = readFileSync(fileURLToPath(new URL('../../docs/replay.md', import.meta.url)), 'utf8');
const shown = [...guide.matchAll(/^\$ npx daybook (.+)\n([\s\S]*?)\n```/gm)];
const app = fileURLToPath(new URL('../../examples/bank/app.ts', import.meta.url));

describe('the guide to replays', () => {
  let hosted: Awaited<ReturnType<typeof hostTable>>;
  beforeAll(async () => {
    hosted = await hostTable({ columns: 120 });
    const table = dynamoEventTable({ client: hosted.client, tableName: hosted.tableName });
    const of = (version: number, type: string, data: object, user: string, at: string, late = at) => ({
      ...{ aggregateUuid: 'account-bob', aggregateType: 'Account', version, type, schemaVersion: 1 },
      ...{ commitId: `order-${version}`, commitFirst: version, commitLast: version },
      ...{ occurredAt: `2026-01-${at}:00.000Z`, recordedAt: `2026-01-${late}:00.000Z` },
      ...{ data: JSON.stringify(data), metadata: JSON.stringify({ user }) },
    });
    for (const event of [
      of(1, 'AccountOpened', { holder: 'Bob' }, 'alice', '05T11:10'),
      of(2, 'MoneyDeposited', { amount: 10000 }, 'bob', '05T11:16'),
      of(3, 'MoneyWithdrawn', { amount: 4500 }, 'bob', '08T09:30', '09T14:02'),
      of(4, 'HolderRenamed', { holder: 'Robert' }, 'alice', '12T10:00'),
    ]) {
      await table.put({ commitId: event.commitId, events: [event] });
    }
  });
  afterAll(() => hosted?.close());

  it.each(shown.map(([, command, lines]) => [command!, lines!]))('shows what %s says', async (command, lines) => {
    const args = command.replace('app.ts', app).split(' ');
    const { code, out, err } = await hosted.daybook(...args);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(out.join('\n')).toBe(lines);
  });

  it('shows an audit, and types commands and flags that are there', () => {
    expect(shown.length).toBeGreaterThan(0);
    const commands = [...guide.replaceAll('\\\n', ' ').matchAll(/npx daybook replay (\w+)([^`\n]*)/g)];
    expect(commands.length).toBeGreaterThan(6);
    for (const [, name, flags = ''] of commands) {
      expect(help).toContain(`daybook replay ${name}`);
      for (const [flag] of flags.matchAll(/--[\w-]+/g)) expect(help).toContain(flag);
    }
  });

  it.each([
    [['replay', 'audit', '--aggregate', 'a', '--projection', 'balances'], 2, 'An audit takes --app FILE'],
    [['replay', 'audit', '--app', app], 2, 'It takes --aggregate ID and --projection NAME'],
    [['replay', 'audit', '--app', app, '--aggregate', 'a', '--projection', 'x'], 1, 'there is no projection "x"'],
    [['replay', 'audit', '--app', app, '--aggregate', 'a', '--projection', 'balances'], 1, 'cli.noAggregate'],
    [['replay', 'audit', '--app', app, '--aggregate', 'a', '--projection', 'balances', '--first', '0'], 2, '--first'],
  ])('refuses %j with words that help', async (args, code, words) => {
    const refused = await hosted.daybook(...args);
    expect(refused.code).toBe(code);
    expect(refused.err.join('\n')).toContain(words);
  });

  it('gives a line of JSON for each version', async () => {
    const where = ['--aggregate', 'account-bob', '--projection', 'balances', '--app', app];
    const { out } = await hosted.daybook('replay', 'audit', ...where, '--first', '3', '--json');
    expect(out.map((line) => JSON.parse(line))).toMatchObject([
      {
        version: 3,
        recordedAt: '2026-01-09T14:02:00.000Z',
        changes: [{ path: '/balance', before: 10000, after: 5500 }],
      },
      { version: 4, metadata: { user: 'alice' }, state: { holder: 'Robert', balance: 5500, closed: false } },
    ]);
  });
});
