import type { AppDefinition } from '../app.ts';
import type { AnyAggregate } from '../event/aggregate-definition.ts';
import { decoderOf } from '../event/decode-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { createRunner, type Fold, type Runner } from '../projection/runner.ts';
import { decodeFor } from '../store/load.ts';
import { foldName, isWhole } from '../store/snapshots.ts';
import type { Checker } from './check-aggregate.ts';
import { createTwice, FOLLOWED, frozen, type Twice } from './twice.ts';

/** A state that was kept: of this commit, or after so many events, or it is of something else. */
interface Stored {
  readonly version: number;
  readonly state: string;
  readonly commitId?: string;
  readonly applied?: number;
}

/** A run of a fold over one aggregate. */
export interface Run {
  apply(stored: StoredEvent): void;
  state(): unknown;
  /** How many events it has taken. */
  applied(): number;
}

/** A fold of the app under check. */
export interface Subject extends Run {
  readonly by: string;
  /** Its state must be JSON; that of an aggregate only where snapshots are to be kept. */
  readonly isProjection: boolean;
  /** What the same version of the fold made of it once. */
  readonly stored: Stored | undefined;
  /** Its state before the first event is undefined, so it may be so again. */
  readonly mayBeNothing: boolean;
  wants(stored: StoredEvent): boolean;
  readonly twice: Twice;
  /** Another run of the same fold, which may not change its events: from the beginning, or from a state. */
  again(from?: { readonly state: unknown }): Run;
  /** The second run that follows this one; undefined when there is none (any more). */
  second: Run | undefined;
  broken: boolean;
}

interface Twofold {
  readonly twice: Twice;
  /** Aggregates whose events are run twice from the beginning. */
  followed: number;
}

interface AggregateFold extends Twofold {
  readonly aggregate: AnyAggregate;
  /** The same, and it may not change its events. */
  readonly careful: AnyAggregate;
}

interface ProjectionFold extends Twofold {
  readonly runner: Runner;
  readonly careful: Runner;
}

/** The folds of an app, made once. */
export interface Folds {
  readonly aggregates: ReadonlyMap<string, AggregateFold>;
  readonly projections: readonly ProjectionFold[];
}

export function foldsOf(app: AppDefinition): Folds {
  const aggregates = app.aggregates.map((aggregate: AnyAggregate): [string, AggregateFold] => {
    const careful = {
      ...aggregate,
      evolve: (state: unknown, event: never) => aggregate.evolve(state, frozen(event)),
    };
    return [aggregate.type, { aggregate, careful, twice: createTwice(), followed: 0 }];
  });
  const projections = app.projections.map((projection) => ({
    runner: createRunner(projection),
    careful: createRunner(unchanging(projection)),
    twice: createTwice(),
    followed: 0,
  }));
  return { aggregates: new Map(aggregates), projections };
}

/** The folds that look at such an aggregate, each with what its own version stored of it. */
export async function subjectsOf(
  checker: Checker,
  aggregateUuid: string,
  first: StoredEvent,
): Promise<readonly Subject[]> {
  const { aggregates, projections } = checker.folds;
  const aggregate = aggregates.get(first.aggregateType);
  const concerned = projections.filter(({ runner }) => runner.concerns(first.aggregateType));
  return await Promise.all([
    ...(aggregate === undefined ? [] : [aggregateSubject(checker, aggregate, aggregateUuid)]),
    ...concerned.map((fold) => projectionSubject(checker, fold, aggregateUuid)),
  ]);
}

async function aggregateSubject(checker: Checker, fold: AggregateFold, aggregateUuid: string): Promise<Subject> {
  const { aggregate, careful, twice } = fold;
  const snapshot = await checker.ports.snapshots?.get(aggregateUuid, foldName(aggregate));
  return {
    ...aggregateRun(aggregate),
    by: aggregate.type,
    isProjection: false,
    stored: snapshot !== undefined && isWhole(snapshot) ? snapshot : undefined,
    mayBeNothing: startsWithNothing(aggregate),
    wants: () => true,
    twice,
    again: (from) => aggregateRun(careful, from),
    second: fold.followed++ < FOLLOWED ? aggregateRun(careful) : undefined,
    broken: false,
  };
}

function startsWithNothing(aggregate: AnyAggregate): boolean {
  try {
    return aggregate.initialState() === undefined;
  } catch {
    return false; // said with the first event
  }
}

function aggregateRun(aggregate: AnyAggregate, from?: { readonly state: unknown }): Run {
  const decoder = decoderOf(aggregate.events);
  let state = from?.state;
  let applied = 0;
  return {
    apply(stored) {
      if (applied === 0 && from === undefined) state = aggregate.initialState();
      state = aggregate.evolve(state, decodeFor(aggregate, decoder, stored));
      applied++;
    },
    state: () => state,
    applied: () => applied,
  };
}

async function projectionSubject(checker: Checker, fold: ProjectionFold, aggregateUuid: string): Promise<Subject> {
  const { runner, careful, twice } = fold;
  const { kind, name, events } = runner.projection;
  const build = checker.builds.get(name);
  const item = build === undefined ? undefined : await checker.ports.projections?.get(name, build, aggregateUuid);
  const types = new Set(events.map(({ type }) => type));
  return {
    ...projectionRun(runner),
    by: `${kind} ${name}`,
    isProjection: true,
    stored: item && { version: item.position, state: item.state, applied: item.applied },
    mayBeNothing: false,
    wants: ({ type }) => types.has(type),
    twice,
    again: (from) => projectionRun(careful, from),
    second: fold.followed++ < FOLLOWED ? projectionRun(careful) : undefined,
    broken: false,
  };
}

function projectionRun(runner: Runner, from?: { readonly state: unknown }): Run {
  let current: Fold | undefined;
  return {
    apply(stored) {
      current ??= from === undefined ? runner.start() : { ...runner.start(), state: from.state };
      runner.apply(current, stored, true);
    },
    state: () => current?.state,
    applied: () => current?.applied ?? 0,
  };
}

function unchanging(projection: AnyProjection): AnyProjection {
  return projection.kind === 'projection'
    ? { ...projection, evolve: (state, event) => projection.evolve(state, frozen(event)) }
    : { ...projection, map: (event) => projection.map(frozen(event)) };
}
