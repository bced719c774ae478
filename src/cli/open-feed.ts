import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoCursorTable } from '../aws/dynamo-cursor-table.ts';
import { dynamoEarlierFeeds } from '../aws/dynamo-earlier-feed.ts';
import { dynamoEventTable } from '../aws/dynamo-event-table.ts';
import { leanClient } from '../aws/lean-client.ts';
import { itemCount, tableSize } from '../aws/table-size.ts';
import type { AdoptPorts } from '../feed/adopt.ts';
import type { StatusPorts } from '../feed/status.ts';
import { findTarget, needName, type TargetFlags } from './target.ts';

export interface OpenFeed {
  readonly ports: AdoptPorts & StatusPorts;
  /** How it was deployed to begin, where that is known. */
  readonly deployedFrom: string | undefined;
  /** As the events table counts them: every six hours or so. */
  size(): Promise<{ readonly aggregates: number; readonly listing: number }>;
  /** What is kept of all feeds, as the tables count it. */
  kept(): Promise<{ readonly cursors: number; readonly positions: number; readonly scan: number }>;
  close(): void;
}

const UNIT_BYTES = 4096;

/** The feed that the flags, the environment or a running `daybook dev` mean. */
export async function openFeed(flags: TargetFlags, command: string): Promise<OpenFeed> {
  const target = await findTarget(flags);
  const tableName = needName(target, 'EventsTableName', command);
  const confirmedTable = needName(target, 'ConfirmedTableName', command);
  const feed = needName(target, 'FeedName', command);
  const positionsTable = () => needName(target, 'PositionsTableName', command);
  // Throttled by an on-demand table that is not warm yet, it waits and goes on.
  const client = leanClient(new DynamoDBClient({ ...target.client, maxAttempts: 10 }));
  const ports: AdoptPorts & StatusPorts = {
    feed,
    cursors: dynamoCursorTable({ client, tableName: confirmedTable, feed }),
    table: dynamoEventTable({ client, tableName }),
    earlier: (id) => dynamoEarlierFeeds({ client, confirmedTable, positionsTable: positionsTable(), feed })(id),
    now: Date.now,
  };
  return {
    ports,
    deployedFrom: target.names.FeedFrom,
    async size() {
      const { aggregates, indexBytes } = await tableSize(client, tableName);
      return { aggregates, listing: Math.ceil(indexBytes / UNIT_BYTES) / 2 };
    },
    async kept() {
      const cursors = await itemCount(client, confirmedTable);
      const positions = await itemCount(client, positionsTable());
      const scan = (Math.ceil(cursors.bytes / UNIT_BYTES) + Math.ceil(positions.bytes / UNIT_BYTES)) / 2;
      return { cursors: cursors.items, positions: positions.items, scan };
    },
    close: () => client.destroy(),
  };
}
