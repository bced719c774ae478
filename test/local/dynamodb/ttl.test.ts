import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { failure, key, plain, type Setup, STREAMED, setup, tableInput } from './setup.ts';

let s: Setup;
let second: number;

beforeEach(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl', STREAMED));
  second = s.kernel.clock.now() / 1000;
});

const enable = (AttributeName = 'ttl', Enabled = true) =>
  s.call('UpdateTimeToLive', { TableName: 'tbl', TimeToLiveSpecification: { Enabled, AttributeName } });
const put = (r: number, ttl?: Json) =>
  s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', r), ...(ttl === undefined ? {} : { ttl }) } });
const left = () => s.call('Scan', { TableName: 'tbl' }).Items.map(({ r }: Json) => Number(r.N));
const later = (seconds: number) => s.kernel.run((second + seconds) * 1000);
const at = (seconds: number) => ({ N: String(second + seconds) });

describe('time to live', () => {
  it('deletes what has expired, and nothing else', async () => {
    put(1, at(10));
    enable();
    put(2, at(20));
    put(3, { S: String(second + 10) });
    put(4);
    put(5, { N: String(second - 6 * 365 * 86_400) });
    await later(10);
    expect(left()).toEqual([1, 2, 3, 4, 5]);
    await later(12);
    expect(left()).toEqual([2, 3, 4, 5]);
    await later(3600);
    expect(left()).toEqual([3, 4, 5]);
  });

  it('follows the item: later, never, earlier', async () => {
    enable();
    put(1, at(10));
    put(2, at(10));
    put(3, at(1000));
    put(1, at(100));
    put(2);
    put(3, at(5));
    await later(20);
    expect(left()).toEqual([1, 2]);
    await later(200);
    expect(left()).toEqual([2]);
  });

  it('shows its deletes in the stream as the service’s own', async () => {
    enable();
    put(1, at(10));
    await later(60);
    const StreamArn = s.db.streamArnOf('tbl');
    const { ShardId } = s.call('DescribeStream', { StreamArn }).StreamDescription.Shards[0];
    const { ShardIterator } = s.call('GetShardIterator', { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
    const records = plain(s.call('GetRecords', { ShardIterator })).Records;
    expect(records.map(({ eventName, userIdentity }: Json) => [eventName, userIdentity])).toEqual([
      ['INSERT', undefined],
      ['REMOVE', { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' }],
    ]);
  });

  it('leaves no task behind when nothing expires', () => {
    enable();
    put(1);
    expect(s.kernel.pending()).toBe(0);
  });

  it('stops when it is disabled', async () => {
    enable();
    put(1, at(10));
    enable('ttl', false);
    await later(60);
    expect(left()).toEqual([1]);
  });

  it('is described, and changed only rightly', () => {
    const description = () => s.call('DescribeTimeToLive', { TableName: 'tbl' }).TimeToLiveDescription;
    expect(description()).toEqual({ TimeToLiveStatus: 'DISABLED' });
    expect(enable()).toEqual({ TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' } });
    expect(description()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
    expect(failure(() => enable()).message).toBe('TimeToLive is already enabled');
    expect(failure(() => enable('other')).message).toContain('TimeToLive is active on a different AttributeName');
    enable('ttl', false);
    expect(failure(() => enable('ttl', false)).message).toBe('TimeToLive is already disabled');
  });
});
