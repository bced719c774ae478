import { expect, test } from 'vitest';
import { defineEvent } from '../../src/event/event-definition.ts';
import { consumeEvents } from '../../src/feed/consume/consume-events.ts';
import { memoryEvents, memoryPositions } from '../simulation/memory-ports.ts';
import { ALICE, BOB, FEED, payload } from './payloads.ts';

const MoneyDeposited = defineEvent({ type: 'MoneyDeposited', data: { type: 'object' } });

test('a consumer takes what Kinesis, EventBridge and SQS send, each event once', async () => {
  const seen: string[] = [];
  const handler = consumeEvents({
    name: 'test',
    feed: FEED,
    events: [MoneyDeposited],
    positions: memoryPositions<string>((item) => seen.push(item)),
    table: memoryEvents().table,
    effect: (event) => [`${event.aggregateUuid}:${event.version}`],
  });
  expect(await handler(payload('eventbridge'))).toBeUndefined();
  expect(await handler(payload('sqs'))).toEqual({ batchItemFailures: [] });
  expect(await handler(payload('kinesis'))).toEqual({ batchItemFailures: [] });
  expect(seen.sort()).toEqual([`${ALICE}:1`, `${ALICE}:2`, `${BOB}:1`].sort());
});
