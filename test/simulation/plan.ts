import { type Random, seededRandom } from '../../local/kernel/kernel.ts';

/** What may go wrong, each by its name. */
export const FAULTS = {
  partialPut: 'PutRecords takes some records of a call and refuses others',
  reorderedPut: 'the records of one PutRecords land in another order',
  repeatedPut: 'a record lands once more, later',
  latePut: 'a record that PutRecords refused, or whose call failed, lands long after it',
  lostPutAnswer: 'PutRecords takes everything, and its caller is told that it failed',
  enrichTimeout: 'the enrichment answers when its time is over',
  enrichCrashBefore: 'the enrichment ends before it has done anything',
  enrichCrashAfter: 'the enrichment ends when it has done everything, before its answer',
  wholeRetry: 'a batch whose enrichment failed comes again as it was',
  bisectedRetry: 'a batch whose enrichment failed comes again in halves',
  wrongRetry: 'the pipe’s retry holds other records than those that failed',
  lanes: 'the pipe hands on up to ten batches at once',
  splitCollection: 'versions of one aggregate lie in different shards of the table stream',
  tableShardSplit: 'shards of the table stream split',
  feedShardSplit: 'shards of the feed split',
  feedShardMerge: 'shards of the feed merge',
  shuffledRecords: 'the table stream shows a transaction one by one, in any order, late',
  tornRead: 'a Query sees some items of a transaction and others not yet',
  staleRead: 'eventually consistent reads tell of the past',
  duplicateFunction: 'a batch is handled twice at once',
  lostConfirm: 'Confirm never gets a batch',
  lateConfirm: 'Confirm gets a batch late',
  repeatedConfirm: 'Confirm gets a batch again, later',
  deadConfirm: 'Confirm does not read for an hour',
  stoppedPipe: 'the pipe is stopped for longer than the table stream keeps its records',
  recreatedPipe: 'the pipe is deleted and made again, at either end of the table stream',
  deadLetters: 'the pipe gives a batch up: a dead letter wakes the reconciler',
  throttledCursor: 'reads and writes of cursors are throttled, or left unprocessed',
  throttle: 'any call of a function is throttled',
  crash: 'a function ends before or after any call',
  pausedFunction:
    'a function stands still for 15 to 85 s before or after any call, and goes on, its time being over or not',
  skew: 'the clocks of functions are wrong by up to a minute, or, of even seeds, by less than leases allow for',
  busyReconciler: 'the reconciler runs at any time, also twice at once',
  feedRetention: 'a consumer does not read for longer than the feed keeps its records',
  lostBatch: 'a consumer never gets a batch',
  foreignFeed: 'a straggler of another feed puts its envelopes on this one',
  rogue: 'an envelope of this feed begins at no earlier confirmed + 1',
  lateHole: 'a version is written long after those behind it',
  permanentHole: 'a version is never written, or with an item that is no event, though those behind it are',
  poison: 'items that are no events, also between the versions of an aggregate',
  breach: 'events are changed and removed',
  busRefuses: 'PutEvents refuses single entries',
  lostBusAnswer: 'PutEvents takes everything, and its caller is told that it failed',
  busShuffles: 'the bus delivers late, in any order, and more than once',
  crashAfterEffect: 'a consumer ends between its effect and its position',
  failingEffect: 'an effect fails, some so often that their aggregate is parked until a person redrives it',
  recreatedFeed: 'another feed takes over mid-traffic, from the start or from where this one was',
  restoredTable:
    'the events table is restored to before some events, and others are appended; another feed goes on, or nobody begins one',
  adoptedNow: 'the feed begins mid-traffic over a table that has events: what is there is its past',
} as const satisfies Record<string, string>;

export type Fault = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as Fault[];

/** Under these something is lost to the pipe or to Confirm for good or for long: then delivery takes the reconciler. */
const NEED_RECONCILER: readonly Fault[] = [
  // Seen in part where Confirm carries a run on, a transaction is a hole to it; of the last one nothing rings again.
  'tornRead',
  'wrongRetry',
  'lostConfirm',
  'deadConfirm',
  'stoppedPipe',
  'recreatedPipe',
  'deadLetters',
  'rogue',
  'poison',
  'failingEffect',
  'recreatedFeed',
  'adoptedNow',
];

/** Under these Confirm cannot know of its own offer, or sees another's clock. */
const MAY_REPEAT_OFFERS: readonly Fault[] = [
  'throttle',
  'throttledCursor',
  'crash',
  'pausedFunction',
  'duplicateFunction',
  'skew',
  'latePut',
  'lostPutAnswer',
  'lostConfirm',
  'lateConfirm',
  'repeatedConfirm',
  'deadConfirm',
  'busyReconciler',
  'rogue',
  'recreatedFeed',
  'adoptedNow',
];

/** Under these a sender may act on what it has read long ago, or by another's clock. */
const KNOW_LATE: readonly Fault[] = ['throttle', 'throttledCursor', 'pausedFunction', 'skew', 'staleRead'];

/** Under these the publisher cannot know what is on the bus. */
const MAY_REPEAT_ON_BUS: readonly Fault[] = [
  'throttle',
  'crash',
  'pausedFunction',
  'duplicateFunction',
  'busRefuses',
  'lostBusAnswer',
  'crashAfterEffect',
  'recreatedFeed',
];

/** Under these one who has acted outside may not come to remember it, or lose its lease. */
const MAY_ACT_AGAIN: readonly Fault[] = [
  'throttle',
  'crash',
  'pausedFunction',
  'skew',
  'crashAfterEffect',
  'recreatedFeed',
];

/** Under these a consumer may be told of nothing more, although it has missed something. */
const NEED_ONE_MORE: readonly Fault[] = ['lostBatch', 'feedRetention'];

/** What a rule invokes directly is given up after three such failures, and the next event of its aggregate brings it: behind a hole there is none. */
const GIVE_UP: readonly Fault[] = ['crash', 'throttle', 'throttledCursor', 'pausedFunction'];

/** Longer than the streams keep their records. */
export const OUTAGE_MS = 25 * 3_600_000;
const LONG: readonly Fault[] = ['stoppedPipe', 'feedRetention'];

export const CONSUMERS = ['subscriber', 'outside', 'projector', 'bus', 'rule'] as const;
export type Consumer = (typeof CONSUMERS)[number];

export interface Plan {
  readonly seed: number;
  readonly faults: ReadonlySet<Fault>;
  /** Of one aggregate each: how many versions; 0 for one that was cut away. */
  readonly lengths: readonly number[];
  readonly lanes: number;
  readonly shards: number;
  readonly tableShards: number;
  readonly pipeBatch: number;
  readonly windowSeconds: number;
  readonly pollMs: number;
  /** Before each call and after it. */
  readonly crashChance: number;
  /** Writes end, and faults stop, so many milliseconds after the start. */
  readonly faultsMs: number;
  /** Is there a pause in the writes, as long as an outage? */
  readonly outage: boolean;
  /** Must everything arrive without the reconciler? */
  readonly prompt: boolean;
  /** Must Confirm offer a run only once while its lease lasts? */
  readonly offersOnce: boolean;
  /** Must Confirm and the reconciler know what the tables had a moment ago? */
  readonly sendersKnow: boolean;
  /** Must the bus get each event once? */
  readonly busOnce: boolean;
  /** Must no two act outside at once on one aggregate? */
  readonly actsAlone: boolean;
  /** By how much a function's clock is wrong at most, where clocks are. */
  readonly skewMs: number;
  /** Must nobody act outside on one event again? */
  readonly actsOnce: boolean;
  /** How another feed takes over: delivering everything again, or going on where the first was. */
  readonly takeOver: 'start' | 'earlier';
  /** Does another feed begin where the table is restored, as a person is told to? */
  readonly feedAnew: boolean;
  /** Is each aggregate's last event one that was not lost? */
  readonly oneMore: boolean;
  readonly consumers: ReadonlySet<Consumer>;
  /** The rule delivers to the function, or to a queue that it reads. */
  readonly ruleTo: 'function' | 'queue';
  /** Single strikes that are left out, as `fault#ordinal`. */
  readonly without: ReadonlySet<string>;
}

/** What is left of a run: a failing one is cut until nothing can go without the failure going too. */
export interface Cut {
  readonly faults?: readonly Fault[];
  readonly lengths?: readonly number[];
  readonly consumers?: readonly Consumer[];
  readonly without?: readonly string[];
}

/** Every eighth seed has one fault alone, by turns; the others have three to eight. */
export const ALONE_EVERY = 8;

export function planOf(seed: number, cut: Cut = {}): Plan {
  const random = seededRandom(seed * 7919 + 17);
  const pick = (least: number, most: number) => least + Math.floor(random.next() * (most - least + 1));
  // Everything is drawn, and then cut: what is left stays as it was.
  const drawn = faultsOf(seed, random);
  const lengths = [...Array(pick(2, 4))].map(() => pick(2, 9));
  while (lengths.reduce((sum, length) => sum + length, 0) < 12) lengths[0]!++;
  const consumers = consumersOf(drawn, random);
  const lanes = pick(2, 10);
  const tableShards = pick(2, 3);
  const faults = new Set(cut.faults ?? drawn);
  const none = (of: readonly Fault[]) => of.every((fault) => !faults.has(fault));
  const outage = !none(LONG);
  const first = 20_000;
  const skewMs = seed % 2 === 0 ? 4_000 : 60_000;
  const plan = {
    seed,
    faults,
    lengths: cut.lengths ?? lengths,
    lanes: faults.has('lanes') ? lanes : 1,
    shards: pick(1, 2),
    tableShards: faults.has('splitCollection') ? tableShards : tableShards - 1,
    // Only what comes together can be turned round.
    pipeBatch: Math.max(pick(1, 12), faults.has('reorderedPut') ? 8 : 1),
    windowSeconds: Math.max(pick(0, 1), faults.has('reorderedPut') ? 1 : 0),
    // What comes together is what one that stands still has in hand.
    pollMs: Math.max(pick(50, 1100), faults.has('pausedFunction') ? 1_000 : 0),
    crashChance: pick(1, 3) * 0.02,
    faultsMs: outage ? first + OUTAGE_MS : first,
    outage,
    prompt: none(NEED_RECONCILER) && !(faults.has('latePut') && faults.has('crash')),
    offersOnce: none(MAY_REPEAT_OFFERS),
    sendersKnow: none(KNOW_LATE),
    busOnce: none(MAY_REPEAT_ON_BUS),
    skewMs,
    // Clocks may differ by twice their skew, and a lease outlives its holder by ten seconds.
    actsAlone: none(['skew']) || skewMs < 5_000,
    actsOnce: none(MAY_ACT_AGAIN),
    takeOver: pick(0, 1) === 0 ? 'start' : 'earlier',
    feedAnew: pick(0, 2) > 0,
    // A projection of a restored table is for a replay to mend.
    consumers: withoutOrphans(
      (cut.consumers ?? consumers).filter((each) => each !== 'projector' || !faults.has('restoredTable')),
    ),
    ruleTo: pick(0, 1) === 0 && (none(GIVE_UP) || !faults.has('permanentHole')) ? 'function' : 'queue',
    without: new Set(cut.without),
  } as const;
  // Of what fails and crashes in turn Lambda gives up what is not parked yet.
  const givenUp = plan.ruleTo === 'function' && faults.has('failingEffect') && !none(GIVE_UP);
  return { ...plan, oneMore: givenUp || !none(NEED_ONE_MORE) };
}

/** A rule needs a bus that somebody publishes on. */
const withoutOrphans = (consumers: readonly Consumer[]) =>
  new Set(consumers.filter((each) => each !== 'rule' || consumers.includes('bus')));

/** Faults that would undo each other: a feed that another replaces is not stopped for a day. */
const APART: readonly (readonly Fault[])[] = [
  ['recreatedFeed', 'adoptedNow', 'stoppedPipe', 'feedRetention'],
  ['recreatedFeed', 'recreatedPipe'],
  ['recreatedFeed', 'deadConfirm'],
  ['recreatedFeed', 'rogue'],
  ['adoptedNow', 'rogue'],
  ['restoredTable', 'recreatedFeed', 'adoptedNow', 'rogue'],
  ['restoredTable', 'permanentHole'],
  // What an old feed's publisher sends late is refused by those that have gone on: the guide says so.
  ['recreatedFeed', 'pausedFunction'],
];

/** What shows only together is drawn together more often than by chance. */
const COMPANIONS: Partial<Record<Fault, readonly Fault[]>> = {
  adoptedNow: ['staleRead', 'tornRead'],
  recreatedFeed: ['staleRead', 'crash', 'lostConfirm', 'failingEffect'],
  failingEffect: ['duplicateFunction', 'crash'],
  crashAfterEffect: ['duplicateFunction'],
  skew: ['duplicateFunction', 'crashAfterEffect'],
  permanentHole: ['failingEffect'],
};

function faultsOf(seed: number, random: Random): ReadonlySet<Fault> {
  const pick = () => FAULT_NAMES[Math.floor(random.next() * FAULT_NAMES.length)]!;
  if (seed % ALONE_EVERY === 0) return new Set([FAULT_NAMES[(seed / ALONE_EVERY) % FAULT_NAMES.length]!]);
  const faults = new Set<Fault>();
  const wanted = 3 + Math.floor(random.next() * 6);
  while (faults.size < wanted) {
    const fault = pick();
    // A consumer that lost a batch is told by the next envelope of the aggregate; behind a hole there may be none.
    if (fault === 'permanentHole' && NEED_ONE_MORE.some((each) => faults.has(each))) continue;
    if (NEED_ONE_MORE.includes(fault) && faults.has('permanentHole')) continue;
    if (APART.some((pair) => pair.includes(fault) && pair.some((each) => faults.has(each)))) continue;
    faults.add(fault);
    const companions = COMPANIONS[fault];
    if (companions !== undefined && random.next() < (fault === 'permanentHole' ? 1 : 0.5))
      faults.add(companions[Math.floor(random.next() * companions.length)]!);
  }
  return faults;
}

const ON_BUS: readonly Fault[] = ['busRefuses', 'lostBusAnswer', 'busShuffles'];

function consumersOf(faults: ReadonlySet<Fault>, random: Random): readonly Consumer[] {
  const chance = (of: number) => random.next() < of;
  const consumers: Consumer[] = [];
  if (ON_BUS.some((fault) => faults.has(fault)) || chance(0.4)) consumers.push('bus', 'rule');
  if (faults.has('failingEffect') && !consumers.includes('rule') && chance(0.5)) consumers.push('bus', 'rule');
  if (faults.has('crashAfterEffect') || faults.has('pausedFunction') || chance(0.25)) consumers.push('outside');
  if (faults.has('failingEffect') && !consumers.includes('outside') && chance(0.5)) consumers.push('outside');
  if (chance(0.2)) consumers.push('projector');
  if (consumers.length === 0 || faults.has('failingEffect') || chance(0.4)) consumers.push('subscriber');
  return consumers;
}
