import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { type EventStore, type ProjectionTable, readProjected } from 'daybook';
import { balances } from '../projections.ts';

interface Places {
  readonly store: EventStore;
  readonly projections: ProjectionTable;
  readonly dynamodb: DynamoDBClient;
  readonly overdrafts: string;
}

/** What has not arrived everywhere yet: compared with the events table, so that nothing is taken for done by its silence. */
export async function lagging({ store, projections, dynamodb, overdrafts }: Places): Promise<string[]> {
  const behind: string[] = [];
  for await (const id of store.list({ type: 'Account' })) {
    let head = 0;
    let lastMoney = 0;
    for await (const { version, type } of store.read(id)) {
      head = version;
      if (type === 'MoneyDeposited' || type === 'MoneyWithdrawn') lastMoney = version;
    }
    const projected = await readProjected(projections, balances, id);
    if ((projected?.position ?? 0) < head)
      behind.push(`the balance of ${id} is at ${projected?.position ?? 0} of ${head}`);
    const { Item } = await dynamodb.send(
      new GetItemCommand({ TableName: overdrafts, Key: { AggregateUuid: { S: id } }, ConsistentRead: true }),
    );
    const seen = Number(Item?.Version?.N ?? 0);
    if (seen < lastMoney) behind.push(`the fee service has seen ${id} up to ${seen} of ${lastMoney}`);
  }
  return behind;
}
