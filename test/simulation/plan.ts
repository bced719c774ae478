import { type Random, seededRandom } from '../../local/kernel/kernel.ts';

/** What may go wrong. Each run has at least three of them. */
export const FAULTS = [
  'partialPut', // any subset of an answer lands
  'latePut', // an envelope lands long after its call has ended, whatever the call said
  'repeatPut',
  'enrichFails', // before its answer
  'enrichLate', // it answers after its time is over: the answer is lost, or lands although it counts as failed
  'wrongRetry', // the retry holds only some of the records that it should
  'giveUp', // a batch goes to the dead-letter queue
  'splitItems', // versions of one aggregate in several lanes
  'tornCommit', // a transaction shown one by one, its records shuffled
  'throttle', // any call of a table or of the feed
  'crash', // a function ends before or after any call
  'staleCursor', // eventually consistent reads
  'duplicate', // a batch handled twice at once
  'confirmDown', // an hour
  'busRefuses', // single entries of PutEvents
  'busShuffles', // repeats and reorders
  'skew', // the clocks of functions
  'foreign', // another feed's envelopes
  'rogue', // an envelope of this feed that does not begin at an earlier confirmed + 1
  'lostBatch', // a consumer never gets some records
  'lateHole', // a version that is written long after those behind it
  'permanentHole',
  'poison', // images that are no events, MODIFY, REMOVE
] as const;

export type Fault = (typeof FAULTS)[number];

/** Under these an envelope may be lost to Confirm for good or for long: then delivery takes the reconciler. */
const NEED_RECONCILER: readonly Fault[] = ['wrongRetry', 'giveUp', 'confirmDown', 'rogue', 'poison'];

/** Under these Confirm cannot know of its own offer, or sees another's clock. */
const MAY_REPEAT_OFFERS: readonly Fault[] = [
  'throttle',
  'crash',
  'duplicate',
  'skew',
  'latePut',
  'confirmDown',
  'rogue',
];

export interface Plan {
  readonly seed: number;
  readonly faults: ReadonlySet<Fault>;
  readonly random: Random;
  /** Of one aggregate each: how many versions. */
  readonly lengths: readonly number[];
  readonly lanes: number;
  readonly shards: number;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly pollMs: number;
  /** Before each call and after it. */
  readonly crashChance: number;
  /** Writes end, and faults stop, so many milliseconds after the start. */
  readonly faultsMs: number;
  /** Must everything arrive without the reconciler? */
  readonly prompt: boolean;
  /** Must Confirm offer a run only once while its lease lasts? */
  readonly offersOnce: boolean;
  readonly consumers: {
    readonly bus: 'direct' | 'queue' | undefined;
    readonly kinesis: boolean;
    readonly outside: boolean;
  };
}

export function planOf(seed: number): Plan {
  const random = seededRandom(seed * 7919 + 17);
  const pick = (least: number, most: number) => least + Math.floor(random.next() * (most - least + 1));
  const faults = new Set<Fault>();
  const wanted = pick(3, 8);
  while (faults.size < wanted) faults.add(FAULTS[pick(0, FAULTS.length - 1)]!);
  // A consumer that lost a batch is told by the next envelope of the aggregate; behind a hole there may be none.
  if (faults.has('lostBatch') && faults.delete('permanentHole'))
    faults.add('lateHole').add('tornCommit').add('repeatPut');
  const lengths = Array.from({ length: pick(2, 4) }, () => pick(2, 9));
  while (lengths.reduce((sum, length) => sum + length, 0) < 12) lengths[0]!++;
  const none = (of: readonly Fault[]) => of.every((fault) => !faults.has(fault));
  const bus = faults.has('busRefuses') || faults.has('busShuffles') || random.next() < 0.5;
  return {
    seed,
    faults,
    random,
    lengths,
    lanes: pick(1, 3),
    shards: pick(1, 2),
    batchSize: pick(1, 12),
    windowMs: pick(0, 1) * 1000,
    pollMs: pick(50, 1100),
    crashChance: pick(1, 3) * 0.05,
    faultsMs: 20_000,
    prompt: none(NEED_RECONCILER),
    offersOnce: none(MAY_REPEAT_OFFERS),
    consumers: {
      bus: bus ? (random.next() < 0.5 ? 'direct' : 'queue') : undefined,
      kinesis: !bus || random.next() < 0.5,
      outside: random.next() < 0.3,
    },
  };
}
