import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { HotEvents } from '../archive/hot-events.ts';
import { type Backoff, realPauses } from '../store/backoff.ts';
import { answerParts } from './answer-parts.ts';
import type { EventItem } from './event-item.ts';
import { hotPage } from './hot-page.ts';
import { newRoom, readItems } from './read-items.ts';
import { retry } from './retry.ts';

export interface ScanEventsOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

const BACKOFF: Backoff = { attempts: 12, baseMs: 50, capMs: 5000 };

/**
 * The whole events table, a page of 1 MB at a time, eventually consistent: half a read unit for 4 KB. What such a read does
 * not show yet was written in this moment.
 */
export function scanEvents({ client, tableName: TableName }: ScanEventsOptions): HotEvents {
  return {
    async *pages() {
      const room = newRoom();
      let start: EventItem | undefined;
      do {
        const input = { TableName, ExclusiveStartKey: start };
        const answer = await retry(() => readItems(client, new ScanCommand(input), room), BACKOFF, realPauses);
        start = undefined;
        for (const { Items = [], LastEvaluatedKey } of answerParts(answer)) {
          start = LastEvaluatedKey;
          if (Items.length > 0) yield hotPage(Items);
        }
      } while (start !== undefined);
    },
  };
}
