import { expect, test } from 'vitest';
import { createFeedToArchive } from '../../functions/feed-to-archive.ts';
import { ALICE, BOB, FEED, payload } from './payloads.ts';
import { expectSchema } from './schemas.ts';

test('a Firehose batch becomes rows, as the schema says', async () => {
  const { records } = await createFeedToArchive({ feed: FEED })(payload('firehose'));
  expect(records.map(({ recordId, result }) => [recordId, result])).toEqual([
    ['49666028153720874690', 'Ok'],
    ['49666028153720874691', 'Dropped'],
    ['49666028153720874692', 'Ok'],
    ['49666028153720874693', 'ProcessingFailed'],
  ]);
  expect(records[0]?.metadata?.partitionKeys.day).toBe('2026-01-02');
  expect(records[2]?.metadata?.partitionKeys.day).toBe('2026-01-03');
  const rows = records.flatMap(({ data = '' }) =>
    Buffer.from(data, 'base64')
      .toString()
      .split(/(?<=\})(?=\{"aggregate_uuid")/)
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as { aggregate_uuid: string; version: number }),
  );
  for (const row of rows) expectSchema('archive-row', row);
  expect(rows.map((row) => [row.aggregate_uuid, row.version])).toEqual([
    [ALICE, 1],
    [ALICE, 2],
    [BOB, 1],
  ]);
});
