import type { StreamViewType } from '../table/definition.ts';
import { type Key, keyNames, pick } from '../table/key.ts';
import type { Write } from '../table/table.ts';
import { sameItem } from '../value/compare.ts';
import { itemSize } from '../value/size.ts';
import type { Item } from '../value/value.ts';

/** A table stream's record in the shape of GetRecords. */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly eventVersion: '1.1';
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string;
  readonly dynamodb: {
    /** Seconds since the epoch, rounded down. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: StreamViewType;
  };
  readonly userIdentity?: { readonly Type: 'Service'; readonly PrincipalId: 'dynamodb.amazonaws.com' };
}

/** A change that a stream will show, before it has its place there. */
export interface Change {
  readonly write: Write;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** "If you perform a PutItem or UpdateItem operation that does not change any data … DynamoDB Streams does not write a stream record". */
export function changesSomething({ old, item }: Write): boolean {
  if (old === undefined) return item !== undefined;
  return item === undefined || !sameItem(old.item, item);
}

export interface RecordContext {
  readonly key: Key;
  readonly viewType: StreamViewType;
  readonly region: string;
}

/** The record of a change. `eventId` and `sequenceNumber` belong to its place in the stream. */
export function toRecord(
  { write, at }: Change,
  { key, viewType, region }: RecordContext,
  eventId: string,
  sequenceNumber: string,
): StreamRecord {
  const oldImage = write.old?.item;
  const newImage = write.item;
  const keys = pick((newImage ?? oldImage)!, keyNames(key));
  const shownNew = viewType === 'NEW_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES' ? newImage : undefined;
  const shownOld = viewType === 'OLD_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES' ? oldImage : undefined;
  return {
    eventID: eventId,
    eventName: oldImage === undefined ? 'INSERT' : newImage === undefined ? 'REMOVE' : 'MODIFY',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(at / 1000),
      Keys: keys,
      ...(shownNew === undefined ? {} : { NewImage: shownNew }),
      ...(shownOld === undefined ? {} : { OldImage: shownOld }),
      SequenceNumber: sequenceNumber,
      SizeBytes:
        itemSize(keys) + (shownNew === undefined ? 0 : write.size) + (shownOld === undefined ? 0 : write.old!.size),
      StreamViewType: viewType,
    },
    // "Items that are deleted by the Time to Live process" carry this identity (developer guide, DynamoDB Streams and TTL).
    ...(write.expired === true
      ? { userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' } as const }
      : {}),
  };
}
