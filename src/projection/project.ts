import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { type Envelope, fromEnvelopeEvent } from '../feed/envelope.ts';
import type { EventTable } from '../store/event-table.ts';
import { type BuildPointer, currentBuild, type ProjectionItem, type ProjectionTable } from './projection-table.ts';
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

/**
 * Applies envelopes to several projections. The pointers are read once per call of this, so make one for each batch: a batch
 * that begins after a build has joined sees it.
 */
export function projectEnvelope(
  ports: ProjectPorts,
  runners: readonly Runner[],
): (envelope: Envelope) => Promise<void> {
  const pointers = new Map<string, Promise<BuildPointer>>();
  const pointerOf = (name: string) => {
    const pointer = pointers.get(name) ?? ports.table.pointer(name);
    pointers.set(name, pointer);
    return pointer;
  };
  return async (envelope) => {
    await Promise.all(
      runners.map(async (runner) => project(ports, runner, await pointerOf(runner.projection.name), envelope)),
    );
  };
}

/** The builds that live events belong to. */
export function buildsToMaintain(runner: Runner, pointer: BuildPointer): readonly string[] {
  const { version } = runner.projection;
  const joined = pointer.phase === 'joined' && pointer.buildingVersion === version ? pointer.building : undefined;
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

export function itemOf(aggregateUuid: string, fold: Fold): ProjectionItem {
  return { aggregateUuid, position: fold.position, applied: fold.applied, state: JSON.stringify(fold.state) };
}
