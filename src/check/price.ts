import { DOLLARS_PER_MILLION_READS } from '../list-prices.ts';

/** How much is stored, as the table itself counts it. */
export interface TableSize {
  readonly events: number;
  readonly bytes: number;
  readonly aggregates: number;
  /** Of the index of aggregates. */
  readonly indexBytes: number;
}

/** What a check reads. */
export interface CheckPrice {
  readonly readUnits: number;
  /** On demand in us-east-1; other regions and provisioned tables differ. */
  readonly dollars: number;
}

/** "An eventually consistent read request of an item up to 4 KB requires one-half read unit." */
const UNIT_BYTES = 4096;

/**
 * An upper bound for the part of the aggregates that is read: a query adds up the sizes of its items and rounds up once, and
 * each stored state that is compared is one item more.
 */
export function priceOf(
  size: TableSize,
  { sample = 1, compared = 0 }: { readonly sample?: number; readonly compared?: number },
): CheckPrice {
  const { bytes, aggregates, indexBytes } = size;
  const listing = Math.ceil(indexBytes / UNIT_BYTES) / 2;
  const events = (Math.ceil(bytes / UNIT_BYTES) + aggregates) / 2;
  const readUnits = Math.ceil(listing + sample * (events + aggregates * compared));
  return { readUnits, dollars: (readUnits * DOLLARS_PER_MILLION_READS) / 1_000_000 };
}
