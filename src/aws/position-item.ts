import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Parking, PositionMove, Standing } from '../feed/position-table.ts';

/** An item of the positions table. */
export type PositionItem = Record<string, AttributeValue>;

/** The sparse index of parked aggregates: hash `ParkedIn`, the feed's id, and range `Consumer`. */
export const PARKED_AGGREGATES = 'ParkedAggregates';

/** The table's key. A consumer's name has no `|`, nor has a feed's id; an aggregate's may. */
export function positionKey(consumer: string, feed: string, aggregate: string): string {
  return `${consumer}|${feed}|${aggregate}`;
}

/** What takes an aggregate out of the parked ones. */
export const PARKED_ATTRIBUTES = [
  'ParkedIn',
  'ParkedVersion',
  'Waiting',
  'ParkedSince',
  'ParkedCode',
  'ParkedMessage',
  'ParkedBy',
] as const;

export const LEASE_ATTRIBUTES = ['LeaseHolder', 'LeaseUntil'] as const;

export function parkedAttributes(
  parking: Parking,
  feed: string,
): Record<(typeof PARKED_ATTRIBUTES)[number], AttributeValue> {
  return {
    ParkedIn: { S: feed },
    ParkedVersion: { N: String(parking.version) },
    Waiting: { N: String(parking.waiting) },
    ParkedSince: { S: parking.since },
    ParkedCode: { S: parking.code },
    ParkedMessage: { S: parking.message },
    ParkedBy: { S: parking.function },
  };
}

export function standingOf(item: PositionItem): Standing {
  const number = (name: string) => Number(item[name]?.N ?? 0);
  const standing = { position: number('Position'), attempts: number('Attempts') };
  if (item.ParkedIn === undefined) return standing;
  const text = (name: string) => item[name]?.S ?? '';
  const version = number('ParkedVersion');
  const parked = {
    version,
    // A redrive that goes beyond all that has come may park there.
    waiting: Math.max(number('Waiting'), version),
    since: text('ParkedSince'),
    code: text('ParkedCode'),
    message: text('ParkedMessage'),
    function: text('ParkedBy'),
  };
  return { ...standing, parked };
}

/** What must hold for a move: the position, the lease where there is one, and no parking unless it is known. */
export function conditionsOf({ from, holder, parked }: Omit<PositionMove, 'to'>): {
  readonly condition: string;
  readonly values: Record<string, AttributeValue>;
} {
  const conditions = [from === 0 ? 'attribute_not_exists(#position)' : '#position = :from'];
  if (holder !== undefined) conditions.push('LeaseHolder = :holder');
  if (parked !== true) conditions.push('attribute_not_exists(ParkedIn)');
  return {
    condition: conditions.join(' AND '),
    values: {
      ...(from !== 0 && { ':from': { N: String(from) } }),
      ...(holder !== undefined && { ':holder': { S: holder } }),
    },
  };
}
