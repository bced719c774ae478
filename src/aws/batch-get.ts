import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { newRoom, readItems } from './read-items.ts';

/** "BatchGetItem … can … contain as many as 100 items." */
const KEYS_PER_CALL = 100;
const ATTEMPTS = 6;

export interface BatchGetOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Different ones: DynamoDB refuses a key twice. */
  readonly keys: readonly Record<string, AttributeValue>[];
  readonly consistent: boolean;
}

/** Reads items by key, of texts and numbers; what a throttled table leaves unprocessed is asked for again, and its absence is never taken for none. */
export async function batchGet(options: BatchGetOptions): Promise<readonly Record<string, AttributeValue>[]> {
  const { client, tableName, keys: all, consistent } = options;
  const items: Record<string, AttributeValue>[] = [];
  const room = newRoom();
  for (let start = 0; start < all.length; start += KEYS_PER_CALL) {
    let keys: Record<string, AttributeValue>[] = all.slice(start, start + KEYS_PER_CALL);
    for (let attempt = 1; keys.length > 0; attempt++) {
      if (attempt > ATTEMPTS)
        throw new Error(`${tableName} left ${keys.length} keys unread ${ATTEMPTS} times: it is throttled`);
      if (attempt > 1) await sleep(25 * 2 ** attempt * Math.random());
      const bytes = await readItems(
        client,
        new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys: keys, ConsistentRead: consistent } } }),
        room,
      );
      const answer = JSON.parse(bytes.toString()) as BatchGetItemCommandOutput;
      items.push(...(answer.Responses?.[tableName] ?? []));
      keys = answer.UnprocessedKeys?.[tableName]?.Keys ?? [];
    }
  }
  return items;
}
