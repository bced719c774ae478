import { describe, expect, it } from 'vitest';
import { type Json, ROOT, ServiceError } from '../../../local/cloud.ts';
import type { JournalEntry } from '../../../local/dynamodb/dynamodb.ts';
import { failure, key, plain, type Setup, STREAMED, setup, tableInput } from './setup.ts';

function records(s: Setup, tableName = 'tbl'): Json[] {
  const StreamArn = s.db.streamArnOf(tableName);
  const { Shards } = s.call('DescribeStream', { StreamArn }).StreamDescription;
  return Shards.flatMap(({ ShardId }: Json) => {
    const { ShardIterator } = s.call('GetShardIterator', { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
    return plain(s.call('GetRecords', { ShardIterator })).Records;
  });
}

const versions = (s: Setup) => records(s).map(({ dynamodb }) => Number(dynamodb.Keys.r.N));

describe('the journal', () => {
  it('makes the same tables, items, streams and tokens again', async () => {
    const journal: string[] = [];
    const s = setup();
    s.db.setJournal((entry) => journal.push(JSON.stringify(entry)));
    s.call('CreateTable', tableInput('tbl', { ...STREAMED, Tags: [{ Key: 'a', Value: 'b' }] }));
    s.call('CreateTable', tableInput('gone'));
    s.call('PutItem', { TableName: 'gone', Item: key('a', 1) });
    s.call('DeleteTable', { TableName: 'gone' });
    s.call('UpdateTimeToLive', { TableName: 'tbl', TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' } });
    s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', 1), n: { N: '1.50' }, b: { B: 'YQ==' } } });
    s.call('UpdateItem', { TableName: 'tbl', Key: key('a', 1), UpdateExpression: 'SET n = n + n' });
    s.call('PutItem', {
      TableName: 'tbl',
      Item: { ...key('a', 2), ttl: { N: String(s.kernel.clock.now() / 1000 + 5) } },
    });
    const transaction = {
      ClientRequestToken: 't',
      TransactItems: [3, 4].map((r) => ({ Put: { TableName: 'tbl', Item: key('b', r) } })),
    };
    s.call('TransactWriteItems', transaction);
    s.db.splitShard(s.db.streamArnOf('tbl')!);
    await s.kernel.run(s.kernel.clock.now() + 10_000);
    s.call('DeleteItem', { TableName: 'tbl', Key: key('b', 4) });
    expect(
      failure(() =>
        s.call('PutItem', { TableName: 'tbl', Item: key('a', 1), ConditionExpression: 'attribute_not_exists(p)' }),
      ).code,
    ).toBe('ConditionalCheckFailedException');

    const again = setup({ seed: 99 });
    await again.kernel.run(s.kernel.clock.now());
    const rejournaled: JournalEntry[] = [];
    again.db.setJournal((entry) => rejournaled.push(entry));
    again.db.restore(journal.map((line) => JSON.parse(line)));
    expect(rejournaled).toEqual([]);
    for (const operation of ['Scan', 'DescribeTable', 'DescribeTimeToLive'] as const) {
      expect(plain(again.call(operation, { TableName: 'tbl' }))).toEqual(
        plain(s.call(operation, { TableName: 'tbl' })),
      );
    }
    expect(again.call('ListTables', {})).toEqual({ TableNames: ['tbl'] });
    expect(records(again)).toEqual(records(s));
    expect(again.db.streamArnOf('tbl')).toBe(s.db.streamArnOf('tbl'));
    again.call('TransactWriteItems', transaction);
    expect(again.call('GetItem', { TableName: 'tbl', Key: key('b', 4) })).toEqual({});
    again.call('PutItem', { TableName: 'tbl', Item: key('c', 1) });
    s.call('PutItem', { TableName: 'tbl', Item: key('c', 1) });
    expect(records(again)).toEqual(records(s));
  });

  it('is made anew in small entries, whatever many transactions held, and still knows each token', () => {
    const s = setup();
    s.call('CreateTable', tableInput('tbl'));
    const transaction = (i: number, text = 'x'.repeat(20_000)) => ({
      ClientRequestToken: `t${i}`,
      TransactItems: [{ Put: { TableName: 'tbl', Item: { ...key('a', 1), text: { S: text } } } }],
    });
    for (let i = 0; i < 300; i++) s.call('TransactWriteItems', transaction(i));
    const entries = [...s.db.snapshot()].map((entry) => JSON.stringify(entry));
    expect(Math.max(...entries.map(({ length }) => length))).toBeLessThan(100_000);
    const again = setup();
    again.db.restore(entries.map((line) => JSON.parse(line)));
    again.call('DeleteItem', { TableName: 'tbl', Key: key('a', 1) });
    again.call('TransactWriteItems', transaction(299));
    expect(again.call('Scan', { TableName: 'tbl' }).Count).toBe(0);
    expect(failure(() => again.call('TransactWriteItems', transaction(0, 'y'))).code).toBe(
      'IdempotentParameterMismatchException',
    );
  });

  it('is told before the caller has an answer, and of a transaction at once', () => {
    const s = setup();
    s.call('CreateTable', tableInput('tbl'));
    const entries: JournalEntry[] = [];
    s.db.setJournal((entry) => entries.push(entry));
    s.call('TransactWriteItems', {
      TransactItems: [1, 2].map((r) => ({ Put: { TableName: 'tbl', Item: key('a', r) } })),
    });
    expect(plain(entries)).toEqual([
      {
        kind: 'commit',
        at: s.kernel.clock.now(),
        writes: [1, 2].map((r) => ({ table: 'tbl', key: key('a', r), item: key('a', r) })),
      },
    ]);
    s.db.setJournal(() => {
      throw new Error('disk full');
    });
    expect(() => s.call('PutItem', { TableName: 'tbl', Item: key('a', 3) })).toThrow('disk full');
    s.db.setJournal(undefined);
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(2);
  });
});

describe('faults', () => {
  it('come before an operation, or between it and its answer', () => {
    const s = setup();
    s.call('CreateTable', tableInput('tbl'));
    const throttle = () => {
      throw new ServiceError('ProvisionedThroughputExceededException', 'slow down');
    };
    s.db.setFaults({ before: (operation) => operation === 'PutItem' && throttle() });
    expect(failure(() => s.call('PutItem', { TableName: 'tbl', Item: key('a', 1) })).code).toBe(
      'ProvisionedThroughputExceededException',
    );
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(0);
    s.db.setFaults({ after: (operation) => operation === 'PutItem' && throttle() });
    expect(failure(() => s.call('PutItem', { TableName: 'tbl', Item: key('a', 1) })).code).toBe(
      'ProvisionedThroughputExceededException',
    );
    s.db.setFaults({});
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(1);
  });

  it('let stream records of different items come late and out of order, never those of one item', async () => {
    const s = setup();
    s.call('CreateTable', tableInput('tbl', STREAMED));
    const delays = [300, 100, 200];
    s.db.setFaults({ streamDelays: (_, changes) => delays.splice(0, changes) });
    const put = (r: number, x: string) => ({ Put: { TableName: 'tbl', Item: { ...key('a', r), x: { S: x } } } });
    s.call('TransactWriteItems', { TransactItems: [put(1, 'first'), put(2, 'only'), put(3, 'only')] });
    s.db.setFaults({ streamDelays: () => [0] });
    s.call('PutItem', put(1, 'second').Put);
    expect(versions(s)).toEqual([]);
    await s.kernel.run(s.kernel.clock.now() + 250);
    expect(versions(s)).toEqual([2, 3]);
    await s.kernel.run(s.kernel.clock.now() + 250);
    expect(versions(s)).toEqual([2, 3, 1, 1]);
    expect(
      records(s)
        .slice(2)
        .map(({ dynamodb }) => dynamodb.NewImage.x.S),
    ).toEqual(['first', 'second']);
    const numbers = records(s).map(({ dynamodb }) => dynamodb.SequenceNumber);
    expect([...numbers].sort()).toEqual(numbers);
  });
});

describe('reads in a simulation', () => {
  const put = (r: number) => ({ Put: { TableName: 'tbl', Item: key('a', r) } });
  const query = (s: Setup, ConsistentRead: boolean) =>
    s
      .call('Query', {
        TableName: 'tbl',
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'a' } },
        ConsistentRead,
      })
      .Items.map(({ r }: Json) => Number(r.N));
  const get = (s: Setup, r: number, ConsistentRead: boolean) =>
    s.call('GetItem', { TableName: 'tbl', Key: key('a', r), ConsistentRead }).Item !== undefined;

  it('see half of a transaction by Query, all of it by GetItem, until its writer is answered', async () => {
    const s = setup();
    s.call('CreateTable', tableInput('tbl'));
    s.db.setFaults({ transactionSpread: () => [300, 100, 200] });
    let answered = false;
    const done = s.cloud.call(ROOT, 'dynamodb', 'TransactWriteItems', { TransactItems: [put(1), put(2), put(3)] });
    done.then(() => {
      answered = true;
    });
    const start = s.kernel.clock.now();
    await s.kernel.run(start + 150);
    expect([query(s, true), answered]).toEqual([[2], false]);
    expect([get(s, 1, true), get(s, 1, false)]).toEqual([true, false]);
    expect(failure(() => s.call('PutItem', put(1).Put)).code).toBe('TransactionConflictException');
    s.call('PutItem', put(2).Put);
    const conflict = failure(() => s.call('TransactWriteItems', { TransactItems: [put(9), put(3)] }));
    expect(conflict.fields.CancellationReasons[1]).toEqual({
      Code: 'TransactionConflict',
      Message: 'Transaction is ongoing for the item',
    });
    await s.kernel.run(start + 250);
    expect([query(s, true), answered]).toEqual([[2, 3], false]);
    await s.kernel.run(start + 300);
    expect([query(s, true), answered]).toEqual([[1, 2, 3], true]);
    await done;
  });

  it('may be stale unless they are consistent', async () => {
    const s = setup();
    s.call('CreateTable', tableInput('tbl'));
    s.call('PutItem', put(1).Put);
    s.db.setFaults({ staleness: () => 500 });
    s.call('PutItem', put(2).Put);
    expect([query(s, true), query(s, false)]).toEqual([[1, 2], [1]]);
    expect([get(s, 2, true), get(s, 2, false)]).toEqual([true, false]);
    await s.kernel.run(s.kernel.clock.now() + 500);
    expect([query(s, false), get(s, 2, false)]).toEqual([[1, 2], true]);
  });
});
