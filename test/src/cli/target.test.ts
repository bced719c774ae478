import { describe, expect, it } from 'vitest';
import type { DevFile } from '../../../src/cli/dev-file.ts';
import { findTarget, needName } from '../../../src/cli/target.ts';

const stack = (table: string) => ({
  outputs: { BankEventsTableName: table, BankFeedName: `feed-of-${table}` },
  resources: {},
  paths: {},
});
const dev: DevFile = {
  endpoint: 'http://127.0.0.1:4566',
  region: 'eu-west-1',
  pid: 1,
  stacks: { Bank: stack('events-1') },
};
const two: DevFile = { ...dev, stacks: { Bank: stack('events-1'), Shop: stack('events-2') } };

describe('where a command works', () => {
  it('is the running daybook dev, when nothing else is said', async () => {
    const target = await findTarget({}, { env: {}, dev });
    expect(target).toMatchObject({
      endpoint: dev.endpoint,
      region: 'eu-west-1',
      stack: 'Bank',
      names: { EventsTableName: 'events-1', FeedName: 'feed-of-events-1' },
      client: { endpoint: dev.endpoint, credentials: { accessKeyId: 'local' } },
    });
  });

  it('is the stack of daybook dev that is named, by itself or by its table', async () => {
    expect((await findTarget({ stack: 'Shop' }, { env: {}, dev: two })).names.EventsTableName).toBe('events-2');
    expect(await findTarget({ table: 'events-2' }, { env: {}, dev: two })).toMatchObject({
      stack: 'Shop',
      endpoint: dev.endpoint,
    });
    await expect(findTarget({}, { env: {}, dev: two })).rejects.toThrow('name one with --stack: Bank, Shop');
  });

  it('is AWS for a table that daybook dev does not have', async () => {
    const target = await findTarget({ table: 'production' }, { env: { AWS_REGION: 'us-east-1' }, dev });
    expect(target).toMatchObject({
      endpoint: undefined,
      region: 'us-east-1',
      names: { EventsTableName: 'production' },
    });
    expect(target.client).toEqual({ region: 'us-east-1' });
  });

  it('is what the environment says, unless a flag says otherwise', async () => {
    const env = { DAYBOOK_EVENTS_TABLE: 'mine', DAYBOOK_FEED: 'my-feed', AWS_ENDPOINT_URL: 'http://localhost:8000' };
    expect(await findTarget({}, { env, dev: undefined })).toMatchObject({
      endpoint: 'http://localhost:8000',
      names: { EventsTableName: 'mine', FeedName: 'my-feed' },
    });
    const flags = { table: 'other', 'endpoint-url': 'http://localhost:9000', region: 'x' };
    expect(await findTarget(flags, { env, dev })).toMatchObject({
      endpoint: 'http://localhost:9000',
      region: 'x',
      names: { EventsTableName: 'other' },
      client: { endpoint: 'http://localhost:9000', region: 'x' },
    });
  });

  it('is asked for when nothing says it', async () => {
    const target = await findTarget({}, { env: {}, dev: undefined });
    expect(() => needName(target, 'EventsTableName', 'import')).toThrowError(
      expect.objectContaining({
        code: 'cli.usage',
        message: expect.stringMatching(
          /Which events table\? Nothing says it: give --table or --stack, or set DAYBOOK_EVENTS_TABLE/,
        ),
      }),
    );
  });
});
