import type { Json } from '../../local/cloud.ts';
import type { StoredEvent } from '../../src/event/stored-event.ts';
import type { EventTable } from '../../src/store/event-table.ts';
import type { Audit } from './audit.ts';
import { SECRET } from './audit.ts';
import { type Cores, TABLES } from './cores.ts';
import { OUTAGE_MS } from './plan.ts';
import { storedEvent } from './records.ts';
import type { World } from './world.ts';

/** Appends of one run, and what must arrive of them. */
export interface Writers {
  /** By aggregate: everything up to it must arrive everywhere. */
  readonly expected: ReadonlyMap<string, number>;
  /** Aggregates that are new when a feed has just been adopted: nothing of them is past. */
  begin(): void;
  /** One more event of each aggregate: for consumers that lost their last batch nothing else would ring. */
  close(): Promise<void>;
  /** One more event behind a permanent hole: of that aggregate nothing else is told once it is known. */
  behindHole(): Promise<void>;
  /** The table is restored to before some events of some aggregates. Answers with how many were lost. */
  restore(): number;
  /** Other events follow those that the restored table has. */
  goOn(): Promise<void>;
}

const versionsTo = (length: number) => Array.from({ length }, (_, i) => i + 1);

/** When the last write of an outage's first half is over. */
const FIRST_HALF_MS = 9_000;

export function startWriters(world: World, cores: Cores, audit: Audit, put: EventTable['put']): Writers {
  const { plan } = world;
  const expected = new Map<string, number>();
  const lengths = new Map<string, number>();
  let history = '';
  const writesMs = 18_000;
  const timeOf = (ms: number) => (plan.outage && ms > FIRST_HALF_MS ? ms + OUTAGE_MS : ms);

  const commit = async (aggregate: string, versions: readonly number[]) => {
    const events = versions.map((version) => makeEvent(aggregate, version, versions));
    for (const event of events) audit.stored(event);
    world.note(`append ${aggregate}:${versions.join(',')}`);
    world.count('appended', events.length);
    world.count(
      'bytes',
      events.reduce((sum, event) => sum + JSON.stringify(event).length, 0),
    );
    await put({ commitId: events[0]!.commitId, events });
    audit.present(aggregate, versions.at(-1)!);
  };
  /** Now and then an event is too large for the bus, never for an envelope. */
  const paddingOf = () => (world.chance(0.05) ? 1_200 : world.pick(0, 300));
  const makeEvent = (aggregate: string, version: number, commit: readonly number[]): StoredEvent => {
    const recordedAt = new Date(world.now() - world.pick(0, 5000)).toISOString();
    const more = world.chance(0.2)
      ? { occurredAt: '2019-05-06T07:08:09.000Z', metadata: `{"trace":"${version}"}` }
      : {};
    return storedEvent(aggregate, version, {
      recordedAt,
      commitId: `${aggregate}-${commit[0]}${history}`,
      commitFirst: commit[0]!,
      commitLast: commit.at(-1)!,
      ...(world.chance(0.15) && { type: 'NoteTaken' }),
      data: JSON.stringify({ amount: version, text: SECRET, padding: 'x'.repeat(paddingOf()) }),
      ...more,
    });
  };

  for (const [i, length] of plan.lengths.entries()) {
    const aggregate = `${'abcd'[i]}${plan.seed}-${i}`;
    if (length === 0) continue;
    const hole = plan.faults.has('permanentHole') && i === 0 && length > 1 ? world.pick(1, length - 1) : undefined;
    const unreadable = hole !== undefined && hole > 1 && world.chance(0.8);
    const late = plan.faults.has('lateHole') && i === plan.lengths.length - 1 ? world.pick(1, length) : undefined;
    if (hole !== undefined) world.struck('permanentHole');
    // The reconciler lists aggregates by their first version, and what is past has no holes.
    if (hole !== undefined && hole > 1 && !plan.faults.has('adoptedNow')) world.count('holes');
    if (late !== undefined) world.struck('lateHole');
    lengths.set(aggregate, length);
    expected.set(aggregate, hole === undefined ? length : hole - 1);
    let at = 0;
    const burst = world.chance(0.5) && !plan.outage;
    for (let version = 1; version <= length; ) {
      at += burst ? world.pick(1, 20) : world.pick(0, Math.floor((writesMs * 1.6) / length));
      const last = Math.min(length, version + world.pick(0, 2));
      const all = Array.from({ length: last - version + 1 }, (_, n) => version + n);
      version = last + 1;
      const now = all.filter((each) => each !== hole && each !== late);
      // A hole is a writer's mistake: what comes behind it is not part of the same transaction.
      if (unreadable && all.includes(hole)) {
        world.later(timeOf(Math.min(at, writesMs)), () => putUnreadable(world, cores, audit, aggregate, hole));
      }
      const commits = now.length === all.length ? [now] : now.map((each) => [each]);
      for (const versions of commits) world.later(timeOf(Math.min(at, writesMs)), () => commit(aggregate, versions));
      if (late !== undefined && all.includes(late)) {
        world.later(timeOf(writesMs + world.pick(0, 1500)), () => commit(aggregate, [late]));
      }
    }
  }
  // Behind all of them, too: what stands last is no event.
  const [last = '', length = 0] = [...lengths].at(-1) ?? [];
  if (plan.faults.has('permanentHole') && plan.seed % 2 === 0 && expected.get(last) === length && length > 0) {
    if (!plan.faults.has('adoptedNow')) world.count('holes');
    world.later(timeOf(FIRST_HALF_MS), () => putUnreadable(world, cores, audit, last, length + 1));
  }
  if (plan.faults.has('poison')) poison(world, cores, audit, [...lengths.keys()]);
  if (plan.faults.has('breach')) breach(world, cores, [...lengths.keys()]);
  return {
    expected,
    begin() {
      for (const aggregate of [`e${plan.seed}-new`, `f${plan.seed}-new`]) {
        const length = world.pick(1, 3);
        lengths.set(aggregate, length);
        expected.set(aggregate, length);
        world.later(world.pick(0, 3_000), () => commit(aggregate, versionsTo(length)));
      }
    },
    async close() {
      for (const [aggregate, length] of lengths) {
        if (expected.get(aggregate) === length) expected.set(aggregate, length + 1);
        await commit(aggregate, [length + 1]);
        lengths.set(aggregate, length + 1);
      }
    },
    async behindHole() {
      const holed = [...lengths].filter(([aggregate, length]) => expected.get(aggregate)! < length);
      for (const [aggregate, length] of holed) await commit(aggregate, [length + 1]);
    },
    restore() {
      let lost = 0;
      history = ' after the restore';
      for (const [aggregate, length] of lengths) {
        // Of some aggregates nothing is left: what follows begins them anew.
        const last = world.chance(0.3) ? length : world.pick(0, length - 1);
        lost += length - last;
        world.note(`the table is restored: ${aggregate} ends at ${last} of ${length}`);
        audit.restored(aggregate, last);
        lengths.set(aggregate, last);
        expected.set(aggregate, last);
      }
      cores.restoreEvents(
        (item) => Number(item.Version.N) <= (lengths.get(item.AggregateUuid.S) ?? Number.POSITIVE_INFINITY),
      );
      return lost;
    },
    async goOn() {
      for (const [aggregate, length] of lengths) {
        const more = Array.from({ length: world.pick(1, 3) }, (_, i) => length + 1 + i);
        await commit(aggregate, more);
        expected.set(aggregate, more.at(-1)!);
        lengths.set(aggregate, more.at(-1)!);
      }
    },
  };
}

/** By turns: of a format that nobody knows, without its parts, encrypted. */
const noEvent = ({ plan }: World): Json =>
  [{ Format: { N: '99' } }, { Format: { N: '1' } }, { Format: { N: '1' }, Encryption: { S: 'KMS' } }][plan.seed % 3]!;

/** An item that is no event at a version of an aggregate that goes on behind it: for the feed it is a hole, and whoever reads it parks. */
function putUnreadable(world: World, cores: Cores, audit: Audit, aggregate: string, version: number): void {
  world.note(`an item that is no event: ${aggregate}:${version}`);
  audit.unreadable(aggregate, version);
  audit.present(aggregate, version);
  const Item = { AggregateUuid: { S: aggregate }, Version: { N: String(version) }, ...noEvent(world) };
  cores.db.call('PutItem', { TableName: TABLES.events, Item });
}

/** Items that are no events, of an aggregate of their own and beyond another's end: none of them may stop the others. */
function poison(world: World, cores: Cores, audit: Audit, aggregates: readonly string[]): void {
  const items: Json[] = [
    { AggregateUuid: { S: 'poison' }, Version: { N: '1' }, AggregateShard: { S: 'Account#0' } },
    { AggregateUuid: { S: 'poison' }, Version: { N: '2' }, ...noEvent(world) },
    { AggregateUuid: { S: 'poison' }, Version: { N: '0' } },
    { AggregateUuid: { S: 'poison' }, Version: { N: '1.5' } },
  ];
  for (const aggregate of aggregates) {
    // Between two versions: no version, and nobody's business.
    items.push({ AggregateUuid: { S: aggregate }, Version: { N: `${world.pick(1, 6)}.5` } });
  }
  for (const Item of items) {
    world.later(world.pick(0, 9_000), () => {
      world.struck('poison');
      world.note(`an item that is no event: ${Item.AggregateUuid.S}:${Item.Version.N}`);
      if (Item.AggregateUuid.S === 'poison') audit.present('poison', Math.floor(Number(Item.Version.N)));
      cores.db.call('PutItem', { TableName: TABLES.events, Item });
    });
  }
}

/** An event is changed, or removed, and put right at the same moment: the table stream shows it, and it must do nothing. */
function breach(world: World, cores: Cores, aggregates: readonly string[]): void {
  const strike = (aggregate: string, how: 'change' | 'removal') => {
    const { Items } = cores.db.call('Query', {
      TableName: TABLES.events,
      KeyConditionExpression: 'AggregateUuid = :a',
      ConsistentRead: true,
      ExpressionAttributeValues: { ':a': { S: aggregate } },
    });
    if (Items.length === 0) return;
    const item = Items[world.pick(0, Items.length - 1)];
    const { AggregateUuid, Version } = item;
    world.struck('breach');
    world.note(`${how} of ${aggregate}:${Version.N}`);
    if (how === 'change')
      cores.db.call('PutItem', { TableName: TABLES.events, Item: { ...item, Data: { S: '{"amount":-1}' } } });
    else cores.db.call('DeleteItem', { TableName: TABLES.events, Key: { AggregateUuid, Version } });
    cores.db.call('PutItem', { TableName: TABLES.events, Item: item });
  };
  for (const aggregate of aggregates) {
    world.later(world.pick(1_000, 12_000), () => strike(aggregate, 'change'));
    world.later(world.pick(1_000, 12_000), () => strike(aggregate, 'removal'));
  }
}
