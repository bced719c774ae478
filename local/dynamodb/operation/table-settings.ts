import { type Json, ServiceError } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid } from '../errors.ts';
import type { TableDefinition, Tag } from '../table/definition.ts';
import type { Table } from '../table/table.ts';
import { tableNotFound } from './tables.ts';

export function updateTimeToLive(engine: Engine, input: Json): Json {
  const table = engine.table(input.TableName, tableNotFound(input.TableName));
  const { Enabled: enabled, AttributeName: name } = input.TimeToLiveSpecification;
  const { timeToLive, ...rest } = table.definition;
  if (timeToLive !== undefined && timeToLive !== name) {
    throw invalid(`TimeToLive is active on a different AttributeName: current AttributeName is ${timeToLive}`);
  }
  if (enabled && timeToLive !== undefined) throw invalid('TimeToLive is already enabled');
  if (!enabled && timeToLive === undefined) throw invalid('TimeToLive is already disabled');
  engine.define(enabled ? { ...rest, timeToLive: name } : rest);
  return { TimeToLiveSpecification: { Enabled: enabled, AttributeName: name } };
}

export function describeTimeToLive(engine: Engine, input: Json): Json {
  const { timeToLive } = engine.table(input.TableName, tableNotFound(input.TableName)).definition;
  return {
    TimeToLiveDescription:
      timeToLive === undefined
        ? { TimeToLiveStatus: 'DISABLED' }
        : { TimeToLiveStatus: 'ENABLED', AttributeName: timeToLive },
  };
}

function backupTable(engine: Engine, input: Json): Table {
  try {
    return engine.table(input.TableName);
  } catch {
    throw new ServiceError('TableNotFoundException', `Table not found: ${input.TableName}`);
  }
}

function describeBackups(engine: Engine, { pointInTimeRecovery }: TableDefinition): Json {
  return {
    ContinuousBackupsDescription: {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription:
        pointInTimeRecovery === undefined
          ? { PointInTimeRecoveryStatus: 'DISABLED' }
          : {
              PointInTimeRecoveryStatus: 'ENABLED',
              RecoveryPeriodInDays: pointInTimeRecovery.days,
              EarliestRestorableDateTime: pointInTimeRecovery.since / 1000,
              LatestRestorableDateTime: engine.now() / 1000,
            },
    },
  };
}

export function updateContinuousBackups(engine: Engine, input: Json): Json {
  const { pointInTimeRecovery, ...rest } = backupTable(engine, input).definition;
  const { PointInTimeRecoveryEnabled: enabled, RecoveryPeriodInDays: days = 35 } =
    input.PointInTimeRecoverySpecification;
  const since = pointInTimeRecovery?.since ?? engine.now();
  const table = engine.define(enabled ? { ...rest, pointInTimeRecovery: { since, days } } : rest);
  return describeBackups(engine, table.definition);
}

export function describeContinuousBackups(engine: Engine, input: Json): Json {
  return describeBackups(engine, backupTable(engine, input).definition);
}

function tableOfArn(engine: Engine, arn: string): Table {
  if (!arn.startsWith('arn:')) throw invalid(`Invalid TableArn: Invalid ResourceArn provided as input ${arn}`);
  return engine.table(arn, `Requested resource not found: ResourcArn: ${arn} not found`);
}

export function tagResource(engine: Engine, input: Json): Json {
  const table = tableOfArn(engine, input.ResourceArn);
  const tags = new Map(table.definition.tags.map((tag) => [tag.Key, tag]));
  for (const tag of input.Tags as readonly Tag[]) tags.set(tag.Key, tag);
  if (tags.size > 50) throw invalid('One or more parameter values were invalid: Too many tags: the limit is 50');
  engine.define({ ...table.definition, tags: [...tags.values()] });
  return {};
}

export function untagResource(engine: Engine, input: Json): Json {
  const table = tableOfArn(engine, input.ResourceArn);
  const tags = table.definition.tags.filter(({ Key }) => !input.TagKeys.includes(Key));
  engine.define({ ...table.definition, tags });
  return {};
}

export function listTagsOfResource(engine: Engine, input: Json): Json {
  return { Tags: tableOfArn(engine, input.ResourceArn).definition.tags };
}

function noPolicy(arn: string): ServiceError {
  return new ServiceError(
    'PolicyNotFoundException',
    `Resource-based policy not found for the provided ResourceArn: ${arn}`,
  );
}

function checkRevision(table: Table, expected: string | undefined): void {
  if (expected === undefined) return;
  const actual = table.definition.policy?.revision ?? 'NO_POLICY';
  if (actual !== expected) {
    throw new ServiceError('PolicyNotFoundException', `The policy's revision is ${actual}, not ${expected}`);
  }
}

export function putResourcePolicy(engine: Engine, input: Json): Json {
  const table = tableOfArn(engine, input.ResourceArn);
  try {
    JSON.parse(input.Policy);
  } catch {
    throw invalid('Invalid policy document: it is not JSON');
  }
  checkRevision(table, input.ExpectedRevisionId);
  const revision = engine.cloud.kernel.random.hex(16);
  engine.define({ ...table.definition, policy: { text: input.Policy, revision } });
  return { RevisionId: revision };
}

export function getResourcePolicy(engine: Engine, input: Json): Json {
  const { policy } = tableOfArn(engine, input.ResourceArn).definition;
  if (policy === undefined) throw noPolicy(input.ResourceArn);
  return { Policy: policy.text, RevisionId: policy.revision };
}

export function deleteResourcePolicy(engine: Engine, input: Json): Json {
  const table = tableOfArn(engine, input.ResourceArn);
  checkRevision(table, input.ExpectedRevisionId);
  const { policy, ...rest } = table.definition;
  if (policy === undefined) return {};
  engine.define(rest);
  return { RevisionId: policy.revision };
}

export function describeEndpoints(engine: Engine): Json {
  const { region } = engine.cloud.account;
  return { Endpoints: [{ Address: `dynamodb.${region}.amazonaws.com`, CachePeriodInMinutes: 1440 }] };
}

/** The defaults of a new account (developer guide, quotas). */
export function describeLimits(): Json {
  return {
    AccountMaxReadCapacityUnits: 80_000,
    AccountMaxWriteCapacityUnits: 80_000,
    TableMaxReadCapacityUnits: 40_000,
    TableMaxWriteCapacityUnits: 40_000,
  };
}
