import assert from 'node:assert/strict';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { createTableToFeed } from '../../../functions/table-to-feed.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { memoryCursors, memoryEvents } from '../../simulation/memory-ports.ts';
import { type StreamRecord, streamRecord } from '../../simulation/records.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const VERSIONS = 100;
const AGGREGATES = 100;
const TIMES = 20;
/** A large batch after another, as an environment gets them: after a collection that the bench forces, the first one pays for the heap to grow again. */
const LARGE_TIMES = 5;

/** The pipe's enrichment with the stringify that the Lambda runtime does of its answer, over what a plain one does per record. */
export default defineBench({
  name: 'enrich',
  turns: 15,
  figures: [
    {
      name: 'enrich-one-aggregate',
      what: 'enrichment per record, 100 versions of one aggregate ÷ unmarshall + stringify of the same records, CPU',
      formula: { kind: 'ratio', of: 'one', to: 'unmarshallOne', by: 'cpu' },
      budget: { atMost: 0.35 },
    },
    {
      name: 'enrich-shuffled',
      what: 'the same, 100 versions of 100 aggregates out of order in one batch',
      formula: { kind: 'ratio', of: 'shuffled', to: 'unmarshallShuffled', by: 'cpu' },
      budget: { atMost: 0.45 },
    },
    {
      name: 'enrich-map-payload',
      what: '100 versions of one aggregate ÷ unmarshall + stringify of records that hold the payload as a map',
      formula: { kind: 'ratio', of: 'one', to: 'unmarshallMap', by: 'cpu' },
    },
  ],
  async prepare() {
    const one = storedTransfers(VERSIONS);
    // Small events, so that an answer has room for all of them. 7919 is prime: neighbours are of other aggregates, and each
    // aggregate's own versions come out of order.
    const many = Array.from({ length: AGGREGATES }, (_, i) => storedTransfers(VERSIONS, `aggregate-${i}`)).flat();
    const shuffled = many.map((_, i) => ({
      ...many[(i * 7919) % many.length]!,
      data: `{"amount":${i},"currency":"EUR"}`,
    }));
    const records = {
      one: asParsed(one.map((event) => streamRecord(event))),
      map: asParsed(one.map(withMapPayload)),
      shuffled: asParsed(shuffled.map((event) => streamRecord(event))),
    };
    const enrich = createTableToFeed({ feed: 'feed', cursors: memoryCursors(), table: memoryEvents().table });
    for (const batch of [records.one, records.shuffled]) {
      const envelopes = await enrich(batch);
      assert.equal(
        envelopes.reduce((sum, { events }) => sum + events.length, 0),
        batch.length,
      );
    }
    const enriching = (batch: readonly StreamRecord[], times: number) => ({
      count: times * batch.length,
      async run() {
        for (let i = 0; i < times; i++) JSON.stringify(await enrich(batch));
      },
    });
    return {
      sides: {
        one: enriching(records.one, TIMES),
        unmarshallOne: unmarshalling(records.one, TIMES),
        unmarshallMap: unmarshalling(records.map, TIMES),
        shuffled: enriching(records.shuffled, LARGE_TIMES),
        unmarshallShuffled: unmarshalling(records.shuffled, LARGE_TIMES),
      },
    };
  },
});

/** As the Lambda runtime hands them over: text that was parsed lies flat, which text put together by a program does not. */
const asParsed = (records: readonly StreamRecord[]) => JSON.parse(JSON.stringify(records)) as readonly StreamRecord[];

function withMapPayload(event: StoredEvent): StreamRecord {
  const record = streamRecord(event);
  const Data = marshall({ Data: JSON.parse(event.data) }).Data as never;
  return { ...record, dynamodb: { ...record.dynamodb, NewImage: { ...record.dynamodb.NewImage, Data } } };
}

function unmarshalling(batch: readonly StreamRecord[], times: number) {
  return {
    count: times * batch.length,
    run() {
      for (let i = 0; i < times; i++) JSON.stringify(batch.map(({ dynamodb }) => unmarshall(dynamodb.NewImage!)));
    },
  };
}
