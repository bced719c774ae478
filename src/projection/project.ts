import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { type Envelope, fromEnvelopeEvent } from '../feed/envelope.ts';
import type { EventTable } from '../store/event-table.ts';
import { notJson } from './not-json.ts';
import { type BuildPointer, currentBuild, type ProjectionItem, type ProjectionTable } from './projection-table.ts';
import { readAhead } from './read-ahead.ts';
import type { Fold, Runner } from './runner.ts';

export interface ProjectPorts {
  readonly table: ProjectionTable;
  readonly events: EventTable;
}

/** How often a lost race is run again before the batch is given back to be retried. */
const ATTEMPTS = 10;

/**
 * Applies one envelope to every build that a projection has going: the active one, and one in the making once it has
 * joined. `to ≤ position` drops it; a gap before it is read from the table.
 */
export async function project(
  ports: ProjectPorts,
  runner: Runner,
  pointer: BuildPointer,
  envelope: Envelope,
): Promise<void> {
  const first = envelope.events[0];
  if (first === undefined || !runner.concerns(first.aggregateType)) return;
  for (const build of buildsToMaintain(runner, pointer)) {
    await advanceTo(ports, runner, build, {
      aggregateUuid: envelope.aggregate,
      to: envelope.to,
      events: envelope.events.map((event) => fromEnvelopeEvent(envelope.aggregate, event)),
    });
  }
}

/** A batch of the feed on its way into several projections. */
export interface BatchProjector {
  /** Told of the whole batch, it reads what is there together, and applies an aggregate's envelopes as one. */
  prepare(envelopes: readonly Envelope[]): Promise<void>;
  apply(envelope: Envelope): Promise<void>;
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
    async apply(envelope) {
      const whole = runs.get(envelope) ?? envelope;
      await Promise.all(runners.map(async (runner) => project(ports, runner, await pointerOf(runner), whole)));
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

/** The builds that live events belong to. */
export function buildsToMaintain(runner: Runner, pointer: BuildPointer): readonly string[] {
  const { version } = runner.projection;
  const joined = pointer.phase === 'joined' ? pointer.building : undefined;
  return [currentBuild(pointer, version), ...(joined === undefined ? [] : [joined])];
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
export async function advanceTo(
  { table, events }: ProjectPorts,
  runner: Runner,
  build: string,
  { aggregateUuid, to, events: atHand = [], counts = () => true }: Advance,
): Promise<Fold> {
  const { name } = runner.projection;
  for (let attempt = 1; ; attempt++) {
    const found = await table.get(name, build, aggregateUuid);
    const fold = found === undefined ? runner.start() : foldOf(found);
    const from = fold.position;
    if (from >= to) return fold;
    const firstAtHand = atHand[0]?.version ?? to + 1;
    if (from + 1 < firstAtHand) {
      for await (const page of events.query(aggregateUuid, { from: from + 1, to: firstAtHand - 1 })) {
        for (const event of page) applyNext(runner, fold, event, counts);
      }
    }
    for (const event of atHand) {
      if (event.version > fold.position && event.version <= to) applyNext(runner, fold, event, counts);
    }
    if (fold.position === from) return fold; // a hole: nothing below `to` can be read yet
    if (await table.advance(name, build, itemOf(aggregateUuid, fold), from)) return fold;
    if (attempt === ATTEMPTS) {
      throw new DaybookError('projection.contended', { projection: name, build, aggregateUuid, attempts: attempt });
    }
  }
}

/** Versions come one after the other; past a hole nothing is applied. */
function applyNext(runner: Runner, fold: Fold, event: StoredEvent, counts: (event: StoredEvent) => boolean): void {
  if (event.version === fold.position + 1) runner.apply(fold, event, counts(event));
}

export function foldOf(item: ProjectionItem): Fold {
  return { position: item.position, applied: item.applied, state: JSON.parse(item.state) };
}

/** A state is kept as JSON text: what would not come back from it as it is now is refused, or live and replayed states differ. */
export function itemOf(aggregateUuid: string, fold: Fold): ProjectionItem {
  const problem = notJson(fold.state, 'state', 0);
  if (problem !== undefined) {
    throw new DaybookError('projection.notJson', { aggregateUuid, version: fold.position, ...problem });
  }
  return { aggregateUuid, position: fold.position, applied: fold.applied, state: JSON.stringify(fold.state) };
}
