import type { Json } from '../../local/cloud.ts';
import type { StoredEvent } from '../../src/event/stored-event.ts';
import { type Envelope, toEnvelopeEvent } from '../../src/feed/envelope.ts';
import { type Landed, TABLES, type Watcher } from './cores.ts';
import type { Witness } from './function-host.ts';
import { LIMITS } from './load-code.ts';
import type { World } from './world.ts';

/** Watches from outside the code under test: what lands, what is written, what is done; and says what must never be. */
export interface Audit extends Watcher, Witness {
  /** An event is in the table, or about to be. */
  stored(event: StoredEvent): void;
  /** Something is in the table under this key, for everybody to see. */
  present(aggregate: string, version: number): void;
  contentOf(aggregate: string, version: number): StoredEvent | undefined;
  /** Is it done with its adoption, if it had to wait for one? */
  adopted(feed: string): boolean;
  /** The table is restored: of this aggregate it has what is up to `last`. What follows is for a feed that begins after it. */
  restored(aggregate: string, last: number): void;
  /** Under this version is something that is no event: who meets it parks there, for good. */
  unreadable(aggregate: string, version: number): void;
  /** A feed comes to life: from the start, from now on, or where another one was, by its id. */
  begins(feed: string, from: string): void;
  /** A person has an aggregate redriven, and then it is over. */
  redriving(consumer: string, feed: string, aggregate: string, on: boolean): void;
  /** What waits for a person, and can be helped. */
  parked(feed: string): readonly { readonly consumer: string; readonly aggregate: string }[];
  /** The highest version in the feed without a gap, from where it began. */
  tail(feed: string, aggregate: string): number;
  confirmed(feed: string, aggregate: string): number;
  /** Up to where a consumer has all versions. */
  reached(consumer: string, feed: string, aggregate: string): number;
  /** A reader of the feed has answered for these versions: they do not come again. */
  acknowledged(reader: string, envelope: Pick<Envelope, 'feed' | 'aggregate' | 'to' | 'head'>): void;
  /** The reconciler has answered dead letters that were sent at these instants: they come no more. */
  answered(sentAt: readonly number[]): void;
  /** How often the reconciler has looked again at a hole that it has known for long; undefined where the feed has none. */
  looksAtHole(feed: string, aggregate: string): number | undefined;
  /** Envelopes, bus events, and writes of anything but the reconciler's notes: what must end. */
  activity(): number;
  /** What functions counted: all of them, or those whose names begin so. */
  metric(name: string, by?: string): number;
}

/** An event that fails so often parks its aggregate. */
const ATTEMPTS = 5;

/** The highest version that a parked item says to wait: what it is parked at, too; 0 where nothing is parked. */
const waitingOf = (item: Json | undefined) =>
  item === undefined ? 0 : Math.max(Number(item.Waiting.N), Number(item.ParkedVersion.N));

const LEASE_MS = 5_000;
const MINUTE = 60_000;
/** From a read to what is done of it, where nothing holds a function up. */
const KNOWN_MS = 2_000;
/** By then the reconciler, every five minutes, has looked again at what was missing. */
const LOOKS_MS = 14 * MINUTE;
/** No function stands still for longer. */
const PAUSE_MS = 2 * MINUTE;
/** What eventually consistent reads tell is no older. */
const STALE_MS = 3_000;
/** Those made with the consumer kit, and the type of the events that they are for. */
const SUBSCRIBERS: ReadonlySet<string> = new Set(['subscriber', 'outside', 'rule']);
const WANTED = 'MoneyDeposited';
/** Part of every event's data: no log line may hold it. */
export const SECRET = 'not for logs';

export function createAudit(world: World): Audit {
  const { plan } = world;
  /** What a rule invokes directly has three deliveries, and parks by then. */
  const attemptsOf = (consumer: string) => (consumer === 'rule' && plan.ruleTo === 'function' ? 3 : ATTEMPTS);
  const contents = new Map<string, StoredEvent>();
  const tails = new Map<string, number>();
  const confirmed = new Map<string, number>();
  const offers = new Map<string, number>();
  const sent = new Map<string, number>();
  const rogues = new Set<string>();
  const views = new Map<string, Set<number>>();
  const positions = new Map<string, number>();
  const metrics = new Map<string, number>();
  const keys = new Map<string, string>();
  /** By aggregate: the highest version of which a writer has begun the put, and of which it knows that it is there. */
  const heads = new Map<string, number>();
  const acknowledged = new Map<string, number>();
  const pasts = new Map<string, ReadonlyMap<string, number>>();
  const froms = new Map<string, string>();
  const beganAt = new Map<string, number>();
  const bases = new Map<string, number>();
  const starts = new Map<string, number>();
  const parked = new Map<string, { feed: string; consumer: string; aggregate: string; version: number }>();
  const unreadable = new Set<string>();
  /** Of what stands at one position: the attempts that are counted, and how often its effect has failed. */
  const attempts = new Map<string, { counted: number; noted: number }>();
  const failures = new Map<string, number>();
  const redriven = new Map<string, number>();
  /** Who holds the lease, by what the table holds. */
  const holders = new Map<string, string | undefined>();
  const leases = new Map<string, number>();
  const acting = new Map<string, { over(): boolean }>();
  /** Items of cursors and of parked aggregates as they were last written. */
  const cursors = new Map<string, Json>();
  /** By aggregate: until when it was marked as holed. */
  const holedUntil = new Map<string, number>();
  const parkings = new Map<string, Json>();
  /** When an offer was noted that may be open still. */
  const openOffers = new Map<string, { readonly to: number; readonly at: number }>();
  /** By aggregate: when its first version was put, when the reconciler last saw it, and since when it has which head. */
  const listed = new Map<string, number>();
  const storedAt = new Map<string, number>();
  const looks = new Map<string, number>();
  const headsSince = new Map<string, (readonly [since: number, head: number])[]>();
  let activity = 0;
  const texts = new Map<string, Json>();
  /** A record is seen when it is put and when it lands, and often again. */
  const parsed = (text: string): Json => {
    const value = texts.get(text) ?? JSON.parse(text);
    texts.set(text, value);
    return value;
  };

  /** Where the table was restored to: what came before it under higher versions were other events. */
  const lasts = new Map<string, number>();
  /** By feed: what the table had when its adoption was done. */
  const adopted = new Map<string, ReadonlyMap<string, number>>();
  const outdated = new Set<string>();
  /** Of a feed that goes on over a restored table nothing more is to be hoped than that somebody is told. */
  const isLost = (feed: string, aggregate: string, version: number) =>
    outdated.has(feed) && version > lastOf(aggregate);
  const lastOf = (aggregate: string) => lasts.get(aggregate) ?? Number.POSITIVE_INFINITY;

  const tail = (feed: string, aggregate: string) => tails.get(`${feed}|${aggregate}`) ?? 0;
  const note = (highest: Map<string, number>, aggregate: string, version: number) =>
    void highest.set(aggregate, Math.max(version, highest.get(aggregate) ?? 0));
  const startOf = (consumer: string, feed: string, aggregate: string) =>
    starts.get(`${consumer}|${feed}|${aggregate}`) ?? bases.get(`${feed}|${aggregate}`) ?? 0;
  const ofNoInterest = (consumer: string, aggregate: string, version: number) =>
    SUBSCRIBERS.has(consumer) && (contents.get(`${aggregate}:${version}`)?.type ?? WANTED) !== WANTED;
  /** `least`: what a subscriber is not interested in is reached only with its position. */
  const reached = (consumer: string, feed: string, aggregate: string, least = false) => {
    const key = `${consumer}|${feed}|${aggregate}`;
    const versions = views.get(key);
    const position = least ? (positions.get(key) ?? 0) : Number.POSITIVE_INFINITY;
    let k = startOf(consumer, feed, aggregate);
    while (versions?.has(k + 1) || (position > k && ofNoInterest(consumer, aggregate, k + 1))) k++;
    return k;
  };

  /** What was there before a feed began from now on; of an aggregate that the list of aggregates may not have shown by then: nothing. */
  const pastOf = (feed: string, aggregate: string) => {
    if (froms.get(feed) !== 'now' || (listed.get(aggregate) ?? 0) > beganAt.get(feed)! - STALE_MS) return 0;
    return pasts.get(feed)!.get(aggregate) ?? 0;
  };

  /** `once`: exactly 1, 2, 3 …; `repeats`: known versions may come again; `any`: a bus has no order. */
  const see = (
    consumer: string,
    feed: string,
    aggregate: string,
    version: number,
    acts: 'once' | 'repeats' | 'any',
  ) => {
    world.note(`${consumer}: ${aggregate}:${version}`);
    const last = reached(consumer, feed, aggregate);
    const wrong = acts === 'once' ? version !== last + 1 : acts === 'repeats' && version > last + 1;
    if (wrong && !isLost(feed, aggregate, version))
      world.violate(`${consumer} acts on ${aggregate}:${version} after ${last}`);
    if (ofNoInterest(consumer, aggregate, version))
      world.violate(`${consumer} is given ${aggregate}:${version}, which is none of its business`);
    // What somebody removed before the adoption is not found to be past.
    if (
      version <=
      Math.max(plan.faults.has('breach') ? 0 : pastOf(feed, aggregate), bases.get(`${feed}|${aggregate}`) ?? 0)
    )
      world.violate(`${consumer} is given ${aggregate}:${version}, which is past`);
    const earlier = views.get(`${consumer}|${froms.get(feed)}|${aggregate}`);
    if (acts === 'once' && earlier?.has(version) === true && version <= lastOf(aggregate))
      world.violate(`${consumer} acts on ${aggregate}:${version} again, in ${feed}`);
    const key = `${consumer}|${feed}|${aggregate}`;
    const versions = views.get(key) ?? new Set();
    views.set(key, versions.add(version));
  };

  const checkEnvelope = (envelope: Envelope, sender: string) => {
    const { aggregate, from, to, head, events } = envelope;
    const name = `${sender}'s ${aggregate} [${from}..${to}] of ${head}`;
    if (events.length !== to - from + 1) world.violate(`${name} holds ${events.length} events`);
    if (head < to) world.violate(`${name} has a head below its end`);
    for (const [i, event] of events.entries()) {
      const stored = contents.get(`${aggregate}:${from + i}`);
      if (event.version !== from + i) world.violate(`${name} holds version ${event.version} in place ${from + i}`);
      else if (stored === undefined || !same(event, toEnvelopeEvent(stored)))
        world.violate(`${name} holds another version ${event.version} than the table`);
    }
    if (to < from && !sender.startsWith('pipe')) world.violate(`${name} is empty`);
    const base = bases.get(`${envelope.feed}|${aggregate}`) ?? 0;
    if ((envelope.base ?? 0) !== base) world.violate(`${name} says base ${envelope.base ?? 0}, it is ${base}`);
  };

  const landed = ({ stream, sender, data, partitionKey, again }: Landed) => {
    activity++;
    const envelope = parsed(data) as Envelope;
    const { feed, aggregate, from, to, head } = envelope;
    world.note(`${sender} → ${stream}: ${aggregate} [${from}..${to}] head ${head}`);
    if (sender === 'foreign') return;
    if (sender === 'rogue') {
      rogues.add(`${aggregate}:${to}`);
      return;
    }
    world.count('envelopes');
    world.count('eventsFed', envelope.events.length);
    world.count('bytesFed', data.length);
    const name = `${sender}'s ${aggregate} [${from}..${to}] of ${head}`;
    if (feed !== stream) world.violate(`${name} says feed ${feed} on ${stream}`);
    if (partitionKey !== aggregate) world.violate(`${name} has the partition key ${partitionKey}`);
    checkEnvelope(envelope, sender);
    if (!again && sender.startsWith('confirm') && plan.offersOnce) {
      const key = `${feed}|${aggregate}@${from}`;
      const before = offers.get(key);
      if (before !== undefined && world.now() - before < LEASE_MS - 1_000) world.violate(`${name} is offered twice`);
      offers.set(key, world.now());
    }
    if (!sender.startsWith('pipe')) note(sent, `${feed}|${aggregate}`, to);
    const known = tail(feed, aggregate);
    if (from > known + 1) world.violate(`${name} lands beyond ${known}: a gap in the feed`);
    if (to <= known || from > known + 1) return;
    // Read again after what was before it, a rogue's true event is as good as ours.
    let next = to;
    while (rogues.has(`${aggregate}:${next + 1}`)) next++;
    tails.set(`${feed}|${aggregate}`, next);
  };

  const put = (sender: string, stream: string, data: readonly string[]) => {
    const aggregates = new Set<string>();
    let bytes = 0;
    for (const text of data) {
      const { aggregate, head } = parsed(text) as Envelope;
      bytes += Buffer.byteLength(text) + 1;
      if (Buffer.byteLength(text) > LIMITS.envelopeBytes)
        world.violate(`${sender} puts ${text.length} bytes of ${aggregate}`);
      if (aggregates.has(aggregate)) world.violate(`${sender} puts two envelopes of ${aggregate} at once`);
      aggregates.add(aggregate);
      const key = `${stream}|${aggregate}`;
      if (!sender.startsWith('pipe')) checkOffer(sender, key, aggregate, head);
    }
    if (bytes > LIMITS.answerBytes) world.violate(`${sender} puts ${bytes} bytes at once`);
  };

  /** What Confirm and the reconciler put must be what they could know: no other offer is open, and the head is the table's. */
  const checkOffer = (sender: string, key: string, aggregate: string, head: number) => {
    if (!plan.sendersKnow) return;
    const open = openOffers.get(key);
    const age = open === undefined ? 0 : world.now() - open.at;
    if (open !== undefined && open.to > (confirmed.get(key) ?? 0) && age > KNOWN_MS && age < LEASE_MS - 1_000)
      world.violate(`${sender} puts ${aggregate}, and an offer of it is open`);
    const known = headsSince.get(aggregate)?.findLast(([since]) => world.now() - since > KNOWN_MS)?.[1] ?? 0;
    const isWhole = [...unreadable].every((each) => !each.startsWith(`${aggregate}:`));
    if (sender.startsWith('reconciler') && isWhole && head < known)
      world.violate(`${sender} puts ${aggregate} with head ${head}, the table has ${known}`);
  };

  /** A hole is looked at again after growing pauses, each look is counted, and since when it is stays; a head never falls. */
  const checkCursor = (key: string, item: Json) => {
    const before = cursors.get(key);
    cursors.set(key, item);
    if (item.Holed !== undefined) holedUntil.set(split(key)[1], Number.POSITIVE_INFINITY);
    else if (before?.Holed !== undefined) holedUntil.set(split(key)[1], world.now());
    const number = (of: Json, name: string) => Number(of?.[name]?.N ?? 0);
    const falls = number(before, 'Head') > number(item, 'Head');
    if (falls) world.violate(`the head of ${key} falls from ${before.Head.N} to ${item.Head?.N}`);
    if (item.Offered !== undefined && item.OfferedAt?.N !== before?.OfferedAt?.N)
      openOffers.set(key, { to: number(item, 'Offered'), at: world.now() });
    const known = before?.Holed !== undefined && before.Holed.N === item.Holed?.N;
    if (!plan.sendersKnow || item.Holed === undefined) return;
    const version = `${split(key)[1]}:${item.Holed.N}`;
    if (!known && world.now() - (storedAt.get(version) ?? world.now()) > KNOWN_MS && !unreadable.has(version))
      world.violate(`${version} is taken for a hole, and the table has it`);
    if (!known) return;
    const [last, looked] = [number(before, 'Attempts'), number(item, 'Attempts')];
    if (last > 0 && (looked < last || item.HoledAt?.N !== before.HoledAt.N))
      world.violate(`the hole ${key}:${item.Holed.N} was looked at ${last} times, and is taken for new`);
    let due = number(item, 'HoledAt');
    for (let i = 0; i < looked; i++) due += Math.min(MINUTE * 2 ** i, 60 * MINUTE);
    if (looked > last && world.now() < due)
      world.violate(`the hole ${key}:${item.Holed.N} is looked at ${looked} times, ${due - world.now()} ms too early`);
  };

  const raised = (key: string, item: Json) => {
    const [feed, aggregate] = split(key);
    if (aggregate === '') {
      if (item.AdoptedAt !== undefined && !adopted.has(feed)) adopted.set(feed, new Map(heads));
      return; // the reconciler's own notes
    }
    checkCursor(key, item);
    const to = Number(item.Confirmed?.N ?? 0);
    const before = confirmed.get(key) ?? 0;
    if (to < before) world.violate(`confirmed of ${aggregate} falls from ${before} to ${to}`);
    if (item.Offered !== undefined && Number(item.Offered.N) > (sent.get(key) ?? 0))
      world.violate(`${aggregate}:${item.Offered.N} is noted as offered and was not put`);
    if (to <= before) return;
    activity++;
    confirmed.set(key, to);
    if (before === 0 && begun(feed, aggregate, item)) return;
    world.note(`confirmed of ${aggregate} is ${to}`);
    const known = tail(feed, aggregate);
    if (to > known) world.violate(`confirmed of ${aggregate} is ${to}, in the feed are ${known}`);
  };

  /** Is it a beginning, of a feed that is adopted? It may leave nothing out that is not past, and deliver nothing that is. */
  const begun = (feed: string, aggregate: string, item: Json): boolean => {
    const from = froms.get(feed) ?? 'start';
    const key = `${feed}|${aggregate}`;
    if (from === 'start' || tails.has(key)) return false;
    const at = Number(item.Confirmed.N);
    const base = Number(item.Base?.N ?? 0);
    const head = heads.get(aggregate) ?? 0;
    const name = `${feed} begins ${aggregate} at ${at} with base ${base}`;
    world.note(name);
    const end = adopted.get(feed)?.get(aggregate) ?? 0;
    if (adopted.has(feed) && at > end) world.violate(`${name}, at the adoption's end were ${end}`);
    if (from === 'now') {
      const past = pasts.get(feed)!.get(aggregate) ?? 0;
      if (base !== at || base > head || base < past) world.violate(`${name}, ${past} are past, ${head} are there`);
    } else {
      const earlier = Math.min(confirmed.get(`${from}|${aggregate}`) ?? 0, lastOf(aggregate));
      if (base !== (bases.get(`${from}|${aggregate}`) ?? 0) || at > earlier)
        world.violate(`${name}, ${from} confirmed ${earlier}`);
    }
    tails.set(key, at);
    bases.set(key, base);
    return true;
  };

  /** A position that came along from an earlier feed must be where the consumer was there. */
  const cameAlong = (consumer: string, feed: string, aggregate: string, to: number): boolean => {
    const from = froms.get(feed) ?? 'start';
    const key = `${consumer}|${feed}|${aggregate}`;
    // Once the feed is adopted it is the consumer's own: it may have passed events that are none of its business, and done nothing yet.
    if (from === 'start' || from === 'now' || adopted.has(feed) || positions.has(key) || views.has(key)) return false;
    const before = Math.min(reached(consumer, from, aggregate, true), lastOf(aggregate));
    world.note(`${consumer}'s position for ${aggregate} comes along: ${to}`);
    // Published and not remembered is published again; whoever acts outside may have acted further than it knows.
    const wrong = consumer === 'bus' || consumer === 'outside' ? to > before : to !== before;
    if (wrong) world.violate(`${consumer}'s position for ${aggregate} comes along as ${to}, it was ${before}`);
    starts.set(key, to);
    return true;
  };

  /** Those of one position; what came along from an earlier feed brought its own. */
  const countAttempts = (key: string, item: Json) => {
    const noted = Number(item.Attempts?.N ?? 0);
    const before = attempts.get(key) ?? {
      counted: item.ParkedIn === undefined ? Math.max(0, noted - 1) : ATTEMPTS,
      noted: 0,
    };
    const moves = positions.has(key) && Number(item.Position?.N ?? 0) !== positions.get(key);
    if (moves) failures.delete(key);
    const now = { counted: (moves ? 0 : before.counted) + (noted > before.noted ? 1 : 0), noted };
    attempts.set(key, now);
    return now;
  };

  /** Is it parked, and nobody redrives it? A hole that is filled ends its parking by itself. */
  const waitsForPerson = (key: string) =>
    parked.has(key) && parkings.get(key)?.ParkedCode.S !== 'feed.gapUnfilled' && (redriven.get(key) ?? 0) === 0;

  const moved = (key: string, item: Json) => {
    activity++;
    const [consumer, rest] = split(key);
    const [feed, aggregate] = split(rest);
    const holder = item.LeaseHolder?.S;
    if (
      holder !== undefined &&
      holder !== (holders.get(key) ?? holder) &&
      plan.actsAlone &&
      world.now() < (leases.get(key) ?? 0) - (plan.faults.has('skew') ? plan.skewMs : 0)
    )
      world.violate(`${consumer} takes the lease of ${aggregate} from who has it`);
    holders.set(key, holder);
    leases.set(key, Number(item.LeaseUntil?.N ?? 0));
    const moves = Number(item.Position?.N ?? 0) > (positions.get(key) ?? 0);
    if (item.ParkedIn !== undefined && moves && waitsForPerson(key))
      world.violate(`${consumer} goes on with ${aggregate}, which is parked`);
    const { counted } = countAttempts(key, item);
    if (item.ParkedIn === undefined) {
      if (parked.delete(key)) failures.delete(key);
      const waiting = waitingOf(parkings.get(key));
      const at = Number(item.Position?.N ?? 0);
      if (waiting > at) world.violate(`${consumer} unparks ${aggregate} at ${at}, and ${waiting} waits`);
      parkings.delete(key);
    } else {
      const known = parkings.get(key);
      parkings.set(key, item);
      const waited = waitingOf(known);
      if (waitingOf(item) < waited) world.violate(`${consumer} forgets that ${aggregate}:${waited} waits`);
      // Two redrives at once may both be the first to fail there.
      const later = Date.parse(item.ParkedSince.S) - Date.parse(known?.ParkedSince.S);
      if (known?.ParkedVersion.N === item.ParkedVersion.N && Math.abs(later) > KNOWN_MS && plan.sendersKnow)
        world.violate(
          `${consumer} has parked ${aggregate} since ${known?.ParkedSince.S}, and now says ${item.ParkedSince.S}`,
        );
      failures.delete(key);
      const version = Number(item.ParkedVersion.N);
      if (!parked.has(key)) {
        world.note(`${consumer} parks ${aggregate} at ${version}`);
        if (counted < attemptsOf(consumer) && (redriven.get(key) ?? 0) === 0)
          world.violate(`${consumer} parks ${aggregate} at ${version} after ${counted} attempts`);
      }
      if (item.ParkedIn.S !== feed)
        world.violate(`${consumer} has parked ${aggregate} in ${feed}, and it is listed for ${item.ParkedIn.S}`);
      parked.set(key, { feed, consumer, aggregate, version });
    }
    const to = Number(item.Position?.N ?? 0);
    const before = positions.get(key) ?? 0;
    if (to < before) world.violate(`${consumer}'s position for ${aggregate} falls from ${before} to ${to}`);
    const came = to > 0 && cameAlong(consumer, feed, aggregate, to);
    positions.set(key, to);
    const k = reached(consumer, feed, aggregate);
    if (!came && to > k && !isLost(feed, aggregate, to))
      world.violate(`${consumer}'s position for ${aggregate} is ${to}, it has reached ${k}`);
  };

  const projected = (aggregate: string, item: Json) => {
    activity++;
    const position = Number(item.Position.N);
    const { versions } = JSON.parse(item.State.S) as { versions: number[] };
    const before = positions.get(`projector|${aggregate}`) ?? 0;
    if (position < before) world.violate(`the projection of ${aggregate} falls from ${before} to ${position}`);
    positions.set(`projector|${aggregate}`, position);
    world.note(`projector: ${aggregate} up to ${position}`);
    const whole = versions.length === position && versions.every((version, i) => version === i + 1);
    if (!whole || Number(item.Applied.N) !== position)
      world.violate(`the projection of ${aggregate} at ${position} is folded from ${versions.join(', ')}`);
  };

  return {
    landed,
    put,
    tail,
    act: async (consumer, feed, event, key, invocation) => {
      const {
        aggregateUuid: aggregate,
        version,
        data,
      } = event as { aggregateUuid: string; version: number; data: Json };
      if (plan.actsOnce && views.get(`${consumer}|${feed}|${aggregate}`)?.has(version) === true)
        world.violate(`${consumer} acts on ${aggregate}:${version} again`);
      see(consumer, feed, aggregate, version, 'repeats');
      activity++;
      const lane = `${consumer}|${feed}|${aggregate}`;
      if (waitsForPerson(lane) && plan.actsAlone) world.violate(`${consumer} acts on ${aggregate}, which is parked`);
      const holder = invocation.leases.get(lane);
      if (holder === undefined) world.violate(`${consumer} acts on ${aggregate}:${version} without its lease`);
      else if (plan.actsAlone && holder !== holders.get(lane))
        world.violate(`${consumer} acts on ${aggregate}:${version} under a lease that it has lost`);
      if (plan.actsAlone && acting.get(lane)?.over() === false) world.violate(`two act on ${aggregate} at once`);
      acting.set(lane, invocation);
      if (JSON.stringify(data) !== contents.get(`${aggregate}:${version}`)?.data)
        world.violate(`${consumer} is given another ${aggregate}:${version} than the table has`);
      const before = keys.get(key);
      if (before !== undefined && before !== `${aggregate}:${version}`)
        world.violate(`${aggregate}:${version} has the idempotency key of ${before}`);
      keys.set(key, `${aggregate}:${version}`);
      await world.sleep(world.pick(1, 200));
      if (acting.get(lane) === invocation) acting.delete(lane);
      if (!invocation.over() && world.strikes('crashAfterEffect', 0.15)) {
        invocation.crash();
        await new Promise(() => {});
      }
    },
    failed(consumer, feed, aggregate, version) {
      const key = `${consumer}|${feed}|${aggregate}`;
      const times = (failures.get(key) ?? 0) + 1;
      failures.set(key, times);
      // Some of them may be lost with a crash, before they are counted; what a rule brings fails with all of its versions at once.
      const lost = plan.faults.has('crash') ? ATTEMPTS + 3 : 3;
      const atOnce = consumer === 'rule' ? Math.max(...plan.lengths) : 0;
      if (times > ATTEMPTS + lost + atOnce)
        world.violate(`${consumer} fails ${times} times at ${aggregate}:${version}, and does not park it`);
    },
    unreadable: (aggregate, version) => void unreadable.add(`${aggregate}:${version}`),
    stored(event) {
      contents.set(`${event.aggregateUuid}:${event.version}`, event);
      storedAt.set(`${event.aggregateUuid}:${event.version}`, world.now());
      if (event.version === 1) listed.set(event.aggregateUuid, world.now());
      note(heads, event.aggregateUuid, event.version);
    },
    present(aggregate, version) {
      note(heads, aggregate, version);
      note(acknowledged, aggregate, version);
      const since = headsSince.get(aggregate) ?? [];
      headsSince.set(aggregate, [...since, [world.now(), acknowledged.get(aggregate)!]]);
    },
    adopted: (feed) => froms.get(feed) === 'start' || adopted.has(feed),
    restored(aggregate, last) {
      for (const feed of froms.keys()) outdated.add(feed);
      lasts.set(aggregate, last);
      for (let version = heads.get(aggregate) ?? 0; version > last; version--)
        contents.delete(`${aggregate}:${version}`);
      heads.set(aggregate, last);
      acknowledged.set(aggregate, last);
      headsSince.delete(aggregate);
    },
    begins(feed, from) {
      froms.set(feed, from);
      beganAt.set(feed, world.now());
      pasts.set(feed, new Map(acknowledged));
    },
    redriving(consumer, feed, aggregate, on) {
      const key = `${consumer}|${feed}|${aggregate}`;
      const change = () => redriven.set(key, (redriven.get(key) ?? 0) + (on ? 1 : -1));
      // One that stands still goes on when its time is over.
      if (on || !plan.faults.has('pausedFunction')) change();
      else world.later(PAUSE_MS, change);
    },
    parked: (feed) =>
      [...parked.values()].filter((each) => each.feed === feed && !unreadable.has(`${each.aggregate}:${each.version}`)),
    contentOf: (aggregate, version) => contents.get(`${aggregate}:${version}`),
    logged(name, line) {
      if (line.includes(SECRET)) world.violate(`${name} logs a payload`);
      const { _aws: aws, ...rest } = JSON.parse(line) as Json;
      if (aws === undefined) {
        world.note(`${name} notes ${line}`);
        return;
      }
      for (const { Name } of aws.CloudWatchMetrics[0].Metrics) {
        const key = `${name}|${Name}`;
        metrics.set(key, (metrics.get(key) ?? 0) + rest[Name]);
      }
    },
    published(_, detail) {
      activity++;
      const { feed, aggregateUuid: aggregate, version, data, base = 0 } = parsed(detail);
      const past = bases.get(`${feed}|${aggregate}`) ?? 0;
      if (base !== past) world.violate(`${aggregate}:${version} is on the bus with base ${base}, it is ${past}`);
      world.count('eventsOnBus');
      if (views.get(`bus|${feed}|${aggregate}`)?.has(version) === true) {
        world.count('busRepeats');
        if (plan.busOnce) world.violate(`${aggregate}:${version} is on the bus again`);
      }
      see('bus', feed, aggregate, version, 'any');
      const stored = contents.get(`${aggregate}:${version}`);
      if (data !== undefined && JSON.stringify(data) !== stored?.data)
        world.violate(`on the bus is another ${aggregate}:${version} than in the table`);
    },
    called(sender, entries) {
      const ends = new Map<string, number>();
      for (const { Detail } of entries) {
        const { feed, aggregateUuid: aggregate, version } = parsed(Detail);
        const end = ends.get(aggregate) ?? reached('bus', feed, aggregate);
        if (version > end + 1) world.violate(`${sender} sends ${aggregate}:${version} before ${aggregate}:${end + 1}`);
        ends.set(aggregate, Math.max(end, version));
      }
      if (entries.length > LIMITS.busEvents) world.violate(`${sender} gives PutEvents ${entries.length} events`);
      const bytes = entries.reduce(
        (sum, { Source, DetailType, Detail }) => sum + Buffer.byteLength(Source + DetailType + Detail),
        0,
      );
      if (bytes > LIMITS.busBytes) world.violate(`${sender} gives PutEvents ${bytes} bytes`);
    },
    wrote(table, item, key) {
      switch (table) {
        case TABLES.confirmed:
          return raised(key.Cursor.S, item);
        case TABLES.positions:
          return moved(key.Consumer.S, item);
        case TABLES.projections:
          return projected(key.Key.S, item);
        case TABLES.effects: {
          activity++;
          const [consumer, rest] = split(key.Effect.S);
          const [feed, event] = split(rest);
          const [aggregate, version] = split(event);
          see(consumer, feed, aggregate, Number(version), 'once');
          if (item.Data.S !== contents.get(`${aggregate}:${version}`)?.data)
            world.violate(`${consumer} is given another ${aggregate}:${version} than the table has`);
        }
      }
    },
    confirmed: (feed, aggregate) => confirmed.get(`${feed}|${aggregate}`) ?? 0,
    reached(consumer, feed, aggregate) {
      if (consumer !== 'projector') {
        const key = `${consumer}|${feed}|${aggregate}`;
        const remembered = Math.max(positions.get(key) ?? 0, startOf(consumer, feed, aggregate));
        return Math.min(reached(consumer, feed, aggregate, true), remembered);
      }
      // With the first version that is not past it is folded from version 1; until then nobody tells it of anything.
      return Math.max(positions.get(`projector|${aggregate}`) ?? 0, bases.get(`${feed}|${aggregate}`) ?? 0);
    },
    activity: () => activity,
    metric(name, by = '') {
      let sum = 0;
      for (const [key, n] of metrics) if (key.startsWith(by) && key.endsWith(`|${name}`)) sum += n;
      return sum;
    },
    acknowledged(reader, { feed, aggregate, to, head }) {
      // A projector stands before a hole until it is filled, and an empty envelope tells it nothing.
      if (
        reader === 'projector' ||
        !froms.has(feed) ||
        outdated.has(feed) ||
        to <= (bases.get(`${feed}|${aggregate}`) ?? 0)
      )
        return;
      const key = `${reader}|${feed}|${aggregate}`;
      const done = reader === 'confirm' ? (confirmed.get(`${feed}|${aggregate}`) ?? 0) : (positions.get(key) ?? 0);
      const waits = waitingOf(parkings.get(key));
      const breaches = (reader === 'confirm' || reader === 'bus') && rogues.has(`${aggregate}:${to}`);
      if (Math.max(done, waits) < to && !breaches)
        world.violate(`${reader} has done with ${aggregate}:${to}, and stands at ${done}`);
      if (reader !== 'confirm' || head <= done || (sent.get(`${feed}|${aggregate}`) ?? 0) > done) return;
      // What it has put another has confirmed meanwhile, and goes on from there.
      if (plan.faults.has('pausedFunction')) return;
      const { Head, Holed } = cursors.get(`${feed}|${aggregate}`) ?? {};
      if (Number(Head?.N ?? 0) < head && Number(Holed?.N ?? 0) !== done + 1)
        world.violate(`Confirm knows that ${aggregate} goes on to ${head}, and has put nothing behind ${done}`);
    },
    looked: (aggregate) => void looks.set(aggregate, world.now()),
    answered(sentAt) {
      // Since the last of them the reconciler has seen each aggregate that was there by then, but for holes that are not due.
      const since = Math.max(...sentAt);
      for (const [aggregate, at] of listed) {
        const holed = (holedUntil.get(aggregate) ?? 0) >= since;
        if (at < since - MINUTE / 12 && !holed && (looks.get(aggregate) ?? 0) < since && !plan.faults.has('skew'))
          world.violate(`the reconciler answers a dead letter, and has not looked at ${aggregate} since it was sent`);
      }
    },
    looksAtHole(feed, aggregate) {
      const item = cursors.get(`${feed}|${aggregate}`);
      // Without its first version an aggregate is on no list, and a run may look at no more than a page of it.
      if (item?.Holed === undefined || !listed.has(aggregate)) return undefined;
      return world.now() - Number(item.HoledAt.N) < LOOKS_MS ? undefined : Number(item.Attempts?.N ?? 0);
    },
  };
}

/** At the first bar. */
function split(text: string): [string, string] {
  const at = text.indexOf('|');
  return [text.slice(0, at), text.slice(at + 1)];
}

function same(a: object, b: object): boolean {
  const left = Object.entries(a);
  return (
    left.length === Object.keys(b).length && left.every(([key, value]) => (b as Record<string, unknown>)[key] === value)
  );
}
