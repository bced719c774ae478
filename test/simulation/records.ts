import type { StoredEvent } from '../../src/event/stored-event.ts';
import type { Envelope } from '../../src/feed/envelope.ts';

/** What the AWS sources hand over, made of our own values. */

export function storedEvent(aggregateUuid: string, version: number, more: Partial<StoredEvent> = {}): StoredEvent {
  const recordedAt = more.recordedAt ?? '2026-01-02T03:04:05.678Z';
  return {
    aggregateUuid,
    aggregateType: 'Account',
    version,
    type: 'MoneyDeposited',
    schemaVersion: 1,
    commitId: `commit-${version}`,
    commitFirst: version,
    commitLast: version,
    recordedAt,
    occurredAt: recordedAt,
    data: JSON.stringify({ amount: version }),
    ...more,
  };
}

type Attribute = { S: string } | { N: string };

/** The item of an event, in DynamoDB's own JSON. */
export function itemOf(event: StoredEvent): Record<string, Attribute> {
  return {
    AggregateUuid: { S: event.aggregateUuid },
    Version: { N: String(event.version) },
    Format: { N: '1' },
    AggregateType: { S: event.aggregateType },
    Type: { S: event.type },
    SchemaVersion: { N: String(event.schemaVersion) },
    CommitId: { S: event.commitId },
    ...(event.commitFirst !== event.commitLast && {
      CommitFirst: { N: String(event.commitFirst) },
      CommitLast: { N: String(event.commitLast) },
    }),
    RecordedAt: { S: event.recordedAt },
    ...(event.occurredAt !== event.recordedAt && { OccurredAt: { S: event.occurredAt } }),
    Data: { S: event.data },
    ...(event.metadata !== undefined && { Metadata: { S: event.metadata } }),
  };
}

export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: string;
  readonly dynamodb: {
    readonly Keys: Record<string, Attribute>;
    readonly NewImage?: Record<string, Attribute>;
    readonly OldImage?: Record<string, Attribute>;
  };
}

/** A record of the table stream, as a pipe hands it to its enrichment. */
export function streamRecord(
  event: StoredEvent,
  change: 'INSERT' | 'MODIFY' | 'REMOVE' = 'INSERT',
  withImage = true,
): StreamRecord {
  const item = itemOf(event);
  const { AggregateUuid, Version } = item;
  return {
    eventID: `${event.aggregateUuid}-${event.version}-${change}`,
    eventName: change,
    dynamodb: {
      Keys: { AggregateUuid: AggregateUuid!, Version: Version! },
      ...(change !== 'REMOVE' && withImage && { NewImage: item }),
      ...(change !== 'INSERT' && { OldImage: item }),
    },
  };
}

/** One record of a Lambda's Kinesis event. */
export function kinesisRecord(data: string, sequenceNumber: string, partitionKey = 'a') {
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey,
      sequenceNumber,
      data: Buffer.from(data).toString('base64'),
      approximateArrivalTimestamp: 1767323045.678,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `shardId-000000000000:${sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    awsRegion: 'us-east-1',
  };
}

/** A Lambda's Kinesis event of these envelopes, numbered from 1. */
export function kinesisEvent(envelopes: readonly (Envelope | string)[]) {
  return {
    Records: envelopes.map((envelope, i) =>
      kinesisRecord(typeof envelope === 'string' ? envelope : JSON.stringify(envelope), String(i + 1)),
    ),
  };
}

/** A bus event as a rule delivers it. */
export function deliveredEvent(detailType: string, detail: string, id = '1') {
  return {
    version: '0',
    id,
    'detail-type': detailType,
    source: 'daybook',
    account: '000000000000',
    time: '2026-01-02T03:04:06Z',
    region: 'us-east-1',
    resources: [],
    detail: JSON.parse(detail) as unknown,
  };
}
