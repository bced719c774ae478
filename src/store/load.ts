import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { AnyAggregate, EventsOf, StateOf } from '../event/aggregate-definition.ts';
import { decoderOf, type EventDecoder, eventDecoder } from '../event/decode-event.ts';
import type { AnyEvent, EventOf } from '../event/event-definition.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { jsonProblem } from '../schema/json-value.ts';
import { BEFORE_FIRST, type StoreContext } from './context.ts';
import { readRuns } from './read-runs.ts';
import { foldName, isWhole, type Snapshot, withChecksum } from './snapshots.ts';

/** An aggregate as a load found it: give it to `append`, which then checks that nobody was faster. */
export interface LoadedAggregate<A extends AnyAggregate = AnyAggregate> {
  readonly aggregate: A;
  readonly aggregateUuid: string;
  /** The last version that `state` includes; 0 when there are no events yet. */
  readonly version: number;
  readonly state: StateOf<A>;
}

export interface LoadOptions {
  /** Check each event, from the first, against its schema, after upcasting. Default false: it was checked when it was written. */
  readonly validate?: boolean;
}

/** A fold under way: events in, state out. */
export interface Fold {
  state: unknown;
  version: number;
  recordedAt: string;
  commitId: string;
  /** Events and bytes of data folded, not counting what a snapshot brought. */
  events: number;
  bytes: number;
}

export async function load<A extends AnyAggregate>(
  context: StoreContext,
  aggregate: A,
  aggregateUuid: string,
  options: LoadOptions,
): Promise<LoadedAggregate<A>> {
  const { validate = false } = options;
  const decoder = validate ? eventDecoder(aggregate.events, { validate }) : decoderOf(aggregate.events);
  // Each event is to be checked: also those that a snapshot stands for.
  const snapshot = validate ? undefined : await foldFromSnapshot(context, aggregate, aggregateUuid, decoder);
  const fold = snapshot ?? (await foldRange(context, aggregate, aggregateUuid, decoder, startFold(aggregate)));
  await keepSnapshot(context, aggregate, aggregateUuid, fold);
  return toLoaded(context, aggregate, aggregateUuid, fold);
}

/** Brings a loaded aggregate up to date, reading only what came after it. */
export async function catchUp<A extends AnyAggregate>(
  context: StoreContext,
  loaded: LoadedAggregate<A>,
): Promise<LoadedAggregate<A>> {
  const { aggregate, aggregateUuid, version, state } = loaded;
  const { recordedAt, commitId } = context.heads.get(loaded) ?? BEFORE_FIRST;
  const fold: Fold = { state, version, recordedAt, commitId, events: 0, bytes: 0 };
  await foldRange(context, aggregate, aggregateUuid, decoderOf(aggregate.events), fold);
  return toLoaded(context, aggregate, aggregateUuid, fold);
}

export function startFold(aggregate: AnyAggregate): Fold {
  return { state: aggregate.initialState(), version: 0, recordedAt: '', commitId: '', events: 0, bytes: 0 };
}

/** Remembers the head, so that an append to what is returned needs no further check. */
export function toLoaded<A extends AnyAggregate>(
  context: StoreContext,
  aggregate: A,
  aggregateUuid: string,
  fold: Fold,
): LoadedAggregate<A> {
  const { version, recordedAt, commitId } = fold;
  // The fold of this very definition made the state.
  const loaded = { aggregate, aggregateUuid, version, state: fold.state as StateOf<A> };
  context.heads.set(loaded, { version, recordedAt, commitId });
  return loaded;
}

async function foldRange(
  context: StoreContext,
  aggregate: AnyAggregate,
  aggregateUuid: string,
  decoder: EventDecoder<AnyEvent>,
  fold: Fold,
): Promise<Fold> {
  const from = fold.version + 1;
  for await (const run of readRuns(context.table, aggregateUuid, { from }, context.pauses)) {
    for (const stored of run) foldOne(aggregate, decoder, fold, stored);
  }
  return fold;
}

/** Folds one stored event onto the state; refuses one of another aggregate type, or that the aggregate does not name. */
export function foldOne(
  aggregate: AnyAggregate,
  decoder: EventDecoder<AnyEvent>,
  fold: Fold,
  stored: StoredEvent,
): void {
  fold.state = aggregate.evolve(fold.state, decodeFor(aggregate, decoder, stored));
  fold.version = stored.version;
  fold.recordedAt = stored.recordedAt;
  fold.commitId = stored.commitId;
  fold.events++;
  fold.bytes += stored.data.length;
}

export function decodeFor<A extends AnyAggregate>(
  aggregate: A,
  decoder: EventDecoder<AnyEvent>,
  stored: StoredEvent,
): EventOf<EventsOf<A>> {
  const { aggregateUuid, aggregateType, version, type } = stored;
  if (aggregateType !== aggregate.type) {
    throw new DaybookError('aggregate.wrongType', {
      aggregateUuid,
      expected: aggregate.type,
      actual: aggregateType,
      version,
    });
  }
  const event = decoder.decode(stored);
  if (event === undefined) {
    throw new DaybookError('event.unknownType', {
      aggregateType,
      aggregateUuid,
      version,
      type,
      known: [...decoder.types],
    });
  }
  return event as EventOf<EventsOf<A>>;
}

/** Undefined when there is no snapshot, or none that can be used: then the events say it all. */
async function foldFromSnapshot(
  context: StoreContext,
  aggregate: AnyAggregate,
  aggregateUuid: string,
  decoder: EventDecoder<AnyEvent>,
): Promise<Fold | undefined> {
  if (context.snapshots === undefined || context.snapshotPolicy === 'never') return undefined;
  let snapshot: Snapshot | undefined;
  try {
    snapshot = await context.snapshots.get(aggregateUuid, foldName(aggregate));
  } catch {
    context.counts.snapshotsFailed++;
    return undefined;
  }
  if (snapshot === undefined) return undefined;
  const fold = openSnapshot(snapshot, aggregateUuid, foldName(aggregate));
  if (fold === undefined) {
    context.counts.snapshotsIgnored++;
    return undefined;
  }
  // [n..last]: the snapshot's own event is read again, which proves that it exists and is of the same history.
  let proven = false;
  for await (const run of readRuns(context.table, aggregateUuid, { from: snapshot.version }, context.pauses)) {
    for (const stored of run) {
      if (proven) {
        foldOne(aggregate, decoder, fold, stored);
        continue;
      }
      if (stored.commitId !== snapshot.commitId) {
        context.counts.snapshotsIgnored++;
        return undefined;
      }
      decodeFor(aggregate, decoder, stored);
      fold.recordedAt = stored.recordedAt;
      proven = true;
    }
  }
  if (proven) return fold;
  context.counts.snapshotsIgnored++;
  return undefined;
}

function openSnapshot(snapshot: Snapshot, aggregateUuid: string, fold: string): Fold | undefined {
  const { version, commitId } = snapshot;
  if (snapshot.aggregateUuid !== aggregateUuid || snapshot.fold !== fold) return undefined;
  if (!Number.isSafeInteger(version) || version < 1 || !isWhole(snapshot)) return undefined;
  try {
    return { state: JSON.parse(snapshot.state), version, recordedAt: '', commitId, events: 0, bytes: 0 };
  } catch {
    return undefined;
  }
}

/** Writes a snapshot when the policy says so. Whatever fails here is counted and fails nothing. */
async function keepSnapshot(
  context: StoreContext,
  aggregate: AnyAggregate,
  aggregateUuid: string,
  fold: Fold,
): Promise<void> {
  const policy = context.snapshotPolicy;
  if (context.snapshots === undefined || policy === 'never') return;
  const due = 'everyEvents' in policy ? fold.events >= policy.everyEvents : fold.bytes >= policy.everyBytes;
  if (!due || fold.events === 0) return;
  try {
    // A Map would come back as {}: such a state is never kept.
    if (jsonProblem(fold.state) !== undefined) throw new TypeError('the state is not JSON');
    const { version, commitId } = fold;
    const state = JSON.stringify(fold.state);
    await context.snapshots.put(withChecksum({ aggregateUuid, fold: foldName(aggregate), version, commitId, state }));
  } catch {
    context.counts.snapshotsFailed++;
  }
}
