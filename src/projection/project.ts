import './errors.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { type Envelope, fromEnvelopeEvent } from '../feed/envelope.ts';
import { errorNote, type Observing } from '../feed/observed.ts';
import { type Backoff, pause, realPauses } from '../store/backoff.ts';
import type { EventTable } from '../store/event-table.ts';
import type { RollupDefinition } from './definition.ts';
import { FailingFold, tellingRunner } from './failing-fold.ts';
import { inTurn } from './in-turn.ts';
import { notJson } from './not-json.ts';
import {
  type BuildPointer,
  currentBuild,
  type ProjectionItem,
  type ProjectionTable,
  type RollupValue,
  type ValueChange,
} from './projection-table.ts';
import { readAhead } from './read-ahead.ts';
import { type Added, type AddedValue, addValue, type Fold, MOST_KEYS, type Runner } from './runner.ts';

export interface ProjectPorts {
  readonly table: ProjectionTable;
  readonly events: EventTable;
}

/** How often a lost race is run before the batch is given back to be retried, and how long is waited between. */
const RACE: Backoff = { attempts: 10, baseMs: 5, capMs: 250 };

/**
 * Applies one envelope to every build that a projection has going: the active one, and one in the making once it has
 * joined. `to ≤ position` drops it; a gap before it is read from the table.
 *
 * A fold that fails stops this aggregate in this build, before the event that it cannot take; it is counted (`FoldsFailed`)
 * and named, and others go on. The aggregate's next event tries again from there.
 */
export async function project(
  ports: ProjectPorts,
  runner: Runner,
  pointer: BuildPointer,
  envelope: Envelope,
  seen?: Observing,
): Promise<void> {
  const first = envelope.events[0];
  if (first === undefined || !runner.concerns(first.aggregateType)) return;
  const telling = tellingRunner(runner);
  const { aggregate: aggregateUuid, to } = envelope;
  const events = envelope.events.map((event) => fromEnvelopeEvent(aggregateUuid, event));
  for (const build of buildsToMaintain(runner, pointer)) {
    const failure = await failureOf(() => advanceTo(ports, telling, build, { aggregateUuid, to, events }));
    if (failure === undefined) continue;
    const { version, type, cause } = failure instanceof FailingFold ? failure : { version: to, cause: failure };
    seen?.count('FoldsFailed');
    seen?.note(
      errorNote('foldFailed', cause, { projection: runner.projection.name, build, aggregateUuid, version, type }),
    );
    // A fold may have changed the state in part: what stands before the failing event is folded anew.
    if (failure instanceof FailingFold) {
      await failureOf(() => advanceTo(ports, telling, build, { aggregateUuid, to: version - 1, events }));
    }
  }
}

/** What was folded, and cannot be kept. */
const NOT_KEPT = [
  'projection.notJson',
  'projection.badCombine',
  'projection.stateTooLarge',
  'projection.valueTooLarge',
  'projection.changeTooLarge',
] as const;

/** What a projection's own code fails with, which another try does not mend; anything else is thrown. */
async function failureOf(work: () => Promise<unknown>): Promise<FailingFold | DaybookError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof FailingFold) return error;
    if (NOT_KEPT.some((code) => isDaybookError(error, code))) return error as DaybookError;
    throw error;
  }
}

/** A batch of the feed on its way into several projections. */
export interface BatchProjector {
  /** Told of the whole batch, it reads what is there together, and applies an aggregate's envelopes as one. */
  prepare(envelopes: readonly Envelope[]): Promise<void>;
  apply(envelope: Envelope, seen?: Observing): Promise<void>;
}

/**
 * Applies envelopes to several projections. The pointers are read once per call of this, so make one for each batch: a batch
 * that begins after a build has joined sees it.
 */
export function projectBatch({ table, events }: ProjectPorts, runners: readonly Runner[]): BatchProjector {
  const ahead = readAhead(table);
  const ports = { table: ahead.table, events };
  const runs = new Map<Envelope, Envelope>();
  const pointers = new Map<string, Promise<BuildPointer>>();
  const pointerOf = ({ projection: { name, version } }: Runner) => {
    const key = `${name}@${version}`;
    const pointer = pointers.get(key) ?? table.pointer(name, version);
    pointers.set(key, pointer);
    return pointer;
  };
  const fetch = async (runner: Runner) => {
    const { name } = runner.projection;
    const concerned = [...runs.values()].filter(({ events }) => runner.concerns(events[0]!.aggregateType));
    if (concerned.length === 0) return;
    const aggregateUuids = [...new Set(concerned.map(({ aggregate }) => aggregate))];
    for (const build of buildsToMaintain(runner, await pointerOf(runner)))
      await ahead.fetch(name, build, aggregateUuids);
  };
  return {
    async prepare(envelopes) {
      for (const run of runsOf(envelopes)) runs.set(run.first, run.whole);
      await Promise.all(runners.map(fetch));
    },
    async apply(envelope, seen) {
      const whole = runs.get(envelope) ?? envelope;
      await Promise.all(runners.map(async (runner) => project(ports, runner, await pointerOf(runner), whole, seen)));
    },
  };
}

/** Each aggregate's envelopes as one, as far as they follow on each other; what comes after is applied by itself. */
function runsOf(envelopes: readonly Envelope[]): readonly { readonly first: Envelope; readonly whole: Envelope }[] {
  const runs = new Map<string, { first: Envelope; whole: Envelope; ended: boolean }>();
  for (const envelope of envelopes) {
    if (envelope.events.length === 0) continue;
    const run = runs.get(envelope.aggregate);
    if (run === undefined) {
      runs.set(envelope.aggregate, { first: envelope, whole: envelope, ended: false });
      continue;
    }
    run.ended ||= envelope.from > run.whole.to + 1;
    if (run.ended || envelope.to <= run.whole.to) continue;
    const more = envelope.events.slice(run.whole.to + 1 - envelope.from);
    run.whole = { ...run.whole, to: envelope.to, events: [...run.whole.events, ...more] };
  }
  return [...runs.values()];
}

/** The builds that live events belong to; last the one that is read: one that is promoted between two writes is never behind what was read. */
export function buildsToMaintain(runner: Runner, pointer: BuildPointer): readonly string[] {
  const { version } = runner.projection;
  const joined = pointer.phase === 'joined' ? pointer.building : undefined;
  return [...(joined === undefined ? [] : [joined]), currentBuild(pointer, version)];
}

export interface Advance {
  readonly aggregateUuid: string;
  /** The version to reach. */
  readonly to: number;
  /** Events at hand, contiguous and up to `to`; the missing ones before them are read from the table. */
  readonly events?: readonly StoredEvent[];
  /** Does this event count? Default: every one. */
  readonly counts?: (event: StoredEvent) => boolean;
}

/** Brings one aggregate of one build to version `to`, exactly once, whoever else does the same at this moment. */
export async function advanceTo(ports: ProjectPorts, runner: Runner, build: string, advance: Advance): Promise<Fold> {
  const { table } = ports;
  const { name } = runner.projection;
  const { aggregateUuid, to } = advance;
  let mostKeys = MOST_KEYS;
  for (let attempt = 1; ; attempt++) {
    const found = await table.get(name, build, aggregateUuid);
    const fold = found === undefined ? runner.start() : runner.goOn(found);
    const from = fold.position;
    if (from >= to) return fold;
    const isFull = !(await foldOn(ports.events, runner, fold, advance, mostKeys));
    if (fold.position === from) return fold; // a hole: nothing below `to` can be read yet
    const written = await write(table, runner, build, itemOf(aggregateUuid, fold), fold, from).catch((error) => {
      if (mostKeys === 1 || !isDaybookError(error, 'projection.changeTooLarge')) throw error;
      mostKeys = Math.ceil(mostKeys / 2);
      return 'tooLarge' as const;
    });
    if (written === 'tooLarge') attempt = 0;
    else if (written) {
      if (!isFull) return fold;
      attempt = 0; // as many keys as a transaction takes: on with the rest
    } else if (attempt === RACE.attempts) {
      throw new DaybookError('projection.contended', { projection: name, build, aggregateUuid, attempts: attempt });
    } else {
      await pause(RACE, attempt, realPauses);
    }
  }
}

/** False when it stopped before `to` because what is added would not go into one transaction. */
async function foldOn(
  events: EventTable,
  runner: Runner,
  fold: Fold,
  { aggregateUuid, to, events: atHand = [], counts = () => true }: Advance,
  mostKeys: number,
): Promise<boolean> {
  /** Versions come one after the other; past a hole nothing is applied. */
  const applyNext = (event: StoredEvent) =>
    event.version !== fold.position + 1 || runner.apply(fold, event, counts(event), mostKeys);
  const firstAtHand = atHand[0]?.version ?? to + 1;
  if (fold.position + 1 < firstAtHand) {
    for await (const page of events.query(aggregateUuid, { from: fold.position + 1, to: firstAtHand - 1 })) {
      if (!page.every(applyNext)) return false;
    }
  }
  return atHand.every((event) => event.version > to || applyNext(event));
}

/** A rollup's values are read and written within a turn: who adds to the same bucket from here waits, instead of losing the race. */
async function write(
  table: ProjectionTable,
  { projection }: Runner,
  build: string,
  item: ProjectionItem,
  { added }: Fold,
  from: number,
): Promise<boolean> {
  const { name } = projection;
  if (projection.kind === 'projection' || added === undefined || added.size === 0) {
    return await table.advance(name, build, item, from);
  }
  const bucket = bucketOf(item.aggregateUuid);
  return await inTurn(table, `${name}/${build}/${bucket}`, async () => {
    const live = await table.liveValues(name, build, bucket, [...added.keys()]);
    const before = new Map(live.map((value) => [value.key, value]));
    const changes = [...added].map(([key, more]) => changeOf(projection, before.get(key), key, more));
    const bytes = changes.reduce((sum, { value }) => sum + Buffer.byteLength(value), Buffer.byteLength(item.state));
    if (bytes > MOST_CHANGED_BYTES) {
      const { aggregateUuid, position: version } = item;
      const details = { projection: name, aggregateUuid, version, keys: added.size, bytes, most: MOST_CHANGED_BYTES };
      throw new DaybookError('projection.changeTooLarge', details);
    }
    return await table.advance(name, build, item, from, changes);
  });
}

function changeOf(
  rollup: RollupDefinition,
  before: RollupValue | undefined,
  key: string,
  more: AddedValue,
): ValueChange {
  const both: Added = new Map();
  if (before !== undefined) {
    const { value, entries, sum } = before;
    both.set(key, { value: JSON.parse(value), entries, sum });
  }
  addValue(rollup, both, key, more);
  return { ...keptValue(rollup.name, key, both.get(key)!), from: before?.entries ?? 0 };
}

/** Of JSON text: an item has 400 KB, names and keys among them. */
const MOST_BYTES = 400_000;

/** "The aggregate size of the items in the transaction cannot exceed 4 MB" (TransactWriteItems); the rest is for names and keys. */
const MOST_CHANGED_BYTES = 4_000_000;

/** How many bytes the text has, where those are more. */
function bytesAbove(most: number, text: string): number | undefined {
  // A UTF-16 unit has at most three bytes in UTF-8: short text needs no counting.
  const bytes = text.length * 3 > most ? Buffer.byteLength(text) : 0;
  return bytes > most ? bytes : undefined;
}

/** A value as it is kept, as JSON text; what `combine` has made of it must come back as it is. */
export function keptValue(projection: string, key: string, { value, entries, sum }: AddedValue): RollupValue {
  const problem = notJson(value, 'value', 0);
  if (value === undefined || problem !== undefined) {
    const found = problem === undefined ? 'undefined' : `${problem.found} (${problem.where})`;
    throw new DaybookError('projection.badCombine', { projection, key, found });
  }
  const json = JSON.stringify(value);
  const bytes = bytesAbove(MOST_BYTES, json);
  if (bytes !== undefined)
    throw new DaybookError('projection.valueTooLarge', { projection, key, bytes, most: MOST_BYTES });
  return { key, value: json, entries, sum };
}

/** A state is kept as JSON text: what would not come back from it as it is now is refused, or live and replayed states differ. */
export function itemOf(aggregateUuid: string, fold: Fold): ProjectionItem {
  const problem = notJson(fold.state, 'state', 0);
  if (problem !== undefined) {
    throw new DaybookError('projection.notJson', { aggregateUuid, version: fold.position, ...problem });
  }
  const { position, applied } = fold;
  const state = JSON.stringify(fold.state);
  const bytes = bytesAbove(MOST_BYTES, state);
  if (bytes !== undefined)
    throw new DaybookError('projection.stateTooLarge', { aggregateUuid, version: position, bytes, most: MOST_BYTES });
  return { aggregateUuid, position, applied, state };
}
