import { randomUUID } from 'node:crypto';
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoCursorTable } from '../../../src/aws/dynamo-cursor-table.ts';
import { dynamoPositionTable } from '../../../src/aws/dynamo-position-table.ts';
import { toItem } from '../../../src/aws/event-item.ts';
import { storedEvent } from '../../simulation/records.ts';
import { hostTable } from './hosted-table.ts';

let host: Awaited<ReturnType<typeof hostTable>>;
let confirmed: string;
let positions: string;
let feed: string;

beforeAll(async () => {
  host = await hostTable();
  confirmed = `confirmed-${randomUUID()}`;
  positions = `positions-${randomUUID()}`;
  for (const [TableName, hash] of [
    [confirmed, 'Cursor'],
    [positions, 'Consumer'],
  ] as const) {
    await host.client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: hash, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: hash, KeyType: 'HASH' }],
      }),
    );
  }
  for (const [aggregate, versions] of [
    ['alice', [1, 2, 3]],
    ['bob', [1, 2, 4]],
    ['carol', [1]],
  ] as const) {
    for (const version of versions) await put(aggregate, version);
  }
});
afterAll(() => host.close());

beforeEach(() => {
  feed = `feed-${randomUUID()}`;
  process.env.DAYBOOK_CONFIRMED_TABLE = confirmed;
  process.env.DAYBOOK_POSITIONS_TABLE = positions;
  process.env.DAYBOOK_FEED = feed;
});
afterEach(() => {
  delete process.env.DAYBOOK_CONFIRMED_TABLE;
  delete process.env.DAYBOOK_POSITIONS_TABLE;
  delete process.env.DAYBOOK_FEED;
  delete process.env.DAYBOOK_FEED_FROM;
});

const put = (aggregate: string, version: number) =>
  host.client.send(new PutItemCommand({ TableName: host.tableName, Item: toItem(storedEvent(aggregate, version)) }));
const cursors = (of = feed) => dynamoCursorTable({ client: host.client, tableName: confirmed, feed: of });
const positionsOf = (of: string) => dynamoPositionTable({ client: host.client, tableName: positions, feed: of });

describe('feed adopt', () => {
  it('says its price and asks before it writes', async () => {
    const { code, err } = await host.daybook('feed', 'adopt', '--from', 'now');
    expect(code).toBe(1);
    expect(err[0]).toMatch(
      /^to begin 3 aggregates at what they have now: about 5 read units and 3 write units, less than one cent/,
    );
    expect(err[1]).toMatch(/^cli.notAgreed.*--yes/);
    expect(await cursors().adoption()).toBeUndefined();
  });

  it('from now: every aggregate begins at what it has, and once', async () => {
    const first = await host.daybook('feed', 'adopt', '--from', 'now', '--yes');
    expect(first.code).toBe(0);
    expect(first.out[0]).toMatch(
      new RegExp(`^the feed ${feed} is adopted from now: 3 aggregates looked at, 3 begin here`),
    );
    expect(await cursors().readMany(['alice', 'bob', 'carol'])).toEqual(
      new Map([
        ['alice', { confirmed: 3, base: 3 }],
        ['bob', { confirmed: 4, base: 4 }],
        ['carol', { confirmed: 1, base: 1 }],
      ]),
    );
    expect((await host.daybook('feed', 'adopt', '--from', 'now', '--yes')).out[0]).toContain('0 aggregates looked at');
    const other = await host.daybook('feed', 'adopt', '--from', 'start');
    expect(other.err).toEqual([expect.stringMatching(/^feed.adoptedOtherwise: .* its adoption from now is done/)]);
  });

  it('from the start: one mark, once that is agreed to', async () => {
    const asked = await host.daybook('feed', 'adopt', '--from', 'start');
    expect(asked.code).toBe(1);
    expect(asked.err[0]).toMatch(/^to deliver 3 aggregates from version 1: .*even what it did by another feed$/);
    expect(asked.err[1]).toMatch(/^cli.notAgreed/);
    expect(await cursors().adoption()).toBeUndefined();
    const { code, out } = await host.daybook('feed', 'adopt', '--from', 'start', '--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out[0]!)).toMatchObject({ feed, from: 'start', complete: true, looked: 0 });
    expect((await cursors().adoption())?.doneAt).toBeGreaterThan(0);
  });

  it('warns before a feed begins otherwise than it was deployed to', async () => {
    process.env.DAYBOOK_FEED_FROM = 'feed-0';
    const asked = await host.daybook('feed', 'adopt', '--from', 'start');
    expect(asked.err[0]).toBe(
      'The feed was deployed to begin from feed-0, not from start; how it begins is noted once.',
    );
    expect(asked.err.at(-1)).toMatch(/^cli.notAgreed/);
    expect(await cursors().adoption()).toBeUndefined();
  });

  it('from another feed: aggregates and consumers go on', async () => {
    const earlier = `feed-${randomUUID()}`;
    await cursors(earlier).raise('alice', 1, 3);
    await positionsOf(earlier).raise('bus', 'alice', 2);
    const { code, out, err } = await host.daybook('feed', 'adopt', '--from', earlier, '--yes', '--json');
    expect(code).toBe(0);
    expect(err[0]).toMatch(/^to go on from the feed feed-.* at the most \d+ cursors and \d+ positions/);
    expect(JSON.parse(out[0]!)).toMatchObject({ complete: true, looked: 1, begun: 1, positions: 1 });
    expect(await cursors().read('alice')).toEqual({ confirmed: 2 });
    expect(await positionsOf(feed).read('bus', ['alice'])).toEqual(new Map([['alice', 2]]));
  });

  it('refuses a feed that nobody knows, and a call that makes no sense', async () => {
    const unknown = await host.daybook('feed', 'adopt', '--from', 'feed-x', '--yes');
    expect(unknown).toMatchObject({ code: 1, err: [expect.anything(), expect.stringMatching(/^feed.earlierUnknown/)] });
    expect((await host.daybook('feed', 'adopt')).code).toBe(2);
    expect((await host.daybook('feed', 'adapt')).code).toBe(2);
    expect((await host.daybook('feed')).code).toBe(2);
    expect((await host.daybook('feed', '--help')).out[0]).toMatch(/^daybook feed status/);
  });
});

describe('feed status', () => {
  it('names what is not on the feed, and ends with 1', async () => {
    await cursors().raise('alice', 1, 1);
    await cursors().raise('bob', 1, 2);
    await cursors().raise('carol', 1, 1);
    const { code, out, err } = await host.daybook('feed', 'status');
    expect(code).toBe(1);
    expect(out.slice(0, -2).sort()).toEqual([
      `alice  from version 2, 2 events, since ${storedEvent('alice', 2).recordedAt}`,
      `bob  from version 3, 2 events, since ${storedEvent('bob', 4).recordedAt}, version 3 is missing, the later ones wait for it`,
    ]);
    expect(out.at(-2)).toBe(
      `3 aggregates looked at, 2 not on the feed (4 events, the oldest since ${storedEvent('alice', 2).recordedAt})`,
    );
    expect(out.at(-1)).toMatch(/^the last complete round, .*: 3 aggregates, 2 were not on the feed \(4 events\)$/);
    expect(err.at(-1)).toMatch(/^cli.feedBehind: 2 aggregates are not on the feed as a whole.*reconciler/);
  });

  it('ends with 0 when all is, and says how far the round is', async () => {
    for (const [aggregate, to] of [
      ['alice', 3],
      ['bob', 4],
      ['carol', 1],
    ] as const)
      await cursors().raise(aggregate, 1, to);
    const first = await host.daybook('feed', 'status', '--limit', '2');
    expect(first).toMatchObject({ code: 0, err: [] });
    expect(first.out[0]).toBe('2 aggregates looked at, 0 not on the feed (0 events)');
    expect(first.out[1]).toMatch(/^the round that began .* has looked at 2 and found 0; run it again to go on$/);
    expect(first.out[2]).toBe('no round has been complete yet');
    const second = await host.daybook('feed', 'status', '--limit', '2');
    expect(second.out.at(-1)).toMatch(/: 3 aggregates, all were on the feed, or on their way$/);
  });

  it('looks at all for its price, for machines too', async () => {
    const asked = await host.daybook('feed', 'status', '--full');
    expect(asked.code).toBe(1);
    expect(asked.err[0]).toMatch(
      /^to look at 3 aggregates, as DynamoDB counts them .*: about \d+ read units, less than one cent/,
    );
    expect(asked.out).toEqual([]);
    const { code, out } = await host.daybook('feed', 'status', '--full', '--yes', '--json');
    expect(code).toBe(1);
    expect(out).toHaveLength(1);
    const status = JSON.parse(out[0]!);
    expect(status).toMatchObject({ feed, looked: 3, behind: 3, events: 3 + 4 + 1, complete: true });
    expect(status.aggregates).toHaveLength(3);
  });

  it('says that a feed waits for its adoption, and how to go on', async () => {
    process.env.DAYBOOK_FEED_FROM = 'feed-0';
    const waiting = await host.daybook('feed', 'status');
    expect(waiting.code).toBe(1);
    expect(waiting.err).toEqual([
      expect.stringMatching(
        /^cli.feedNotAdopted: The feed .* is not adopted yet.*npx daybook feed adopt --from feed-0/,
      ),
    ]);
    await cursors().noteAdoption('now', 1000);
    const begun = await host.daybook('feed', 'status');
    expect(begun.err.at(-1)).toMatch(/^cli.feedNotAdopted: .*adopts it from now/);
    await cursors().saveAdoption({ doneAt: 2000 });
    expect((await host.daybook('feed', 'status')).err.at(-1)).toMatch(/^cli.feedBehind/);
  });

  it('says that an adoption is not done', async () => {
    await cursors().noteAdoption('now', 1000);
    const { err } = await host.daybook('feed', 'status');
    expect(err[0]).toBe(
      'the adoption from now, begun 1970-01-01T00:00:01.000Z, is not done: npx daybook feed adopt --from now',
    );
  });

  it('refuses what makes no sense', async () => {
    for (const flags of [
      ['--limit', '0'],
      ['--limit', 'x'],
      ['--full', '--limit', '3'],
    ]) {
      expect((await host.daybook('feed', 'status', ...flags)).code).toBe(2);
    }
    delete process.env.DAYBOOK_FEED;
    const { code, err } = await host.daybook('feed', 'status');
    expect(code).toBe(2);
    expect(err[0]).toMatch(/Which feed\? .*DAYBOOK_FEED/);
  });
});
