import './errors.ts';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AppDefinition } from '../app.ts';
import { dynamoEventTable } from '../aws/dynamo-event-table.ts';
import { DaybookError } from '../errors.ts';
import type { AnyAggregate } from '../event/aggregate-definition.ts';
import { createEventStore, type EventStore } from '../store/event-store.ts';
import type { EventTable } from '../store/event-table.ts';
import { findTarget, needName, type TargetFlags } from './target.ts';

export interface OpenStore {
  readonly store: EventStore;
  readonly table: EventTable;
  readonly tableName: string;
  close(): void;
}

/** The event store that the flags, the environment or a running `daybook dev` mean. */
export async function openStore(flags: TargetFlags, command: string): Promise<OpenStore> {
  const target = await findTarget(flags);
  const tableName = needName(target, 'EventsTableName', command);
  const client = new DynamoDBClient(target.client);
  const table = dynamoEventTable({ client, tableName });
  return { store: createEventStore({ table }), table, tableName, close: () => client.destroy() };
}

/** The one argument that a command takes. */
export function onlyArgument(positionals: readonly string[], what: string, command: string): string {
  const [value, ...more] = positionals;
  if (value !== undefined && more.length === 0) return value;
  const problem =
    value === undefined ? `It takes ${what}` : `It takes ${what} alone, and was given ${positionals.length}`;
  throw new DaybookError('cli.usage', { problem, command });
}

/** The aggregate's definition in the app, found by the type of its first event. */
export async function definitionFor(
  store: EventStore,
  app: AppDefinition,
  aggregateUuid: string,
  command: string,
): Promise<AnyAggregate> {
  for await (const { aggregateType } of store.read(aggregateUuid, { limit: 1 })) {
    const found = app.aggregates.find(({ type }) => type === aggregateType);
    if (found !== undefined) return found;
    const problem = `${aggregateUuid} is a ${aggregateType}, which the app ${app.name} does not have`;
    throw new DaybookError('cli.usage', { problem, command });
  }
  throw new DaybookError('cli.noAggregate', { aggregateUuid });
}
