import './errors.ts';
import { DaybookError } from '../errors.ts';
import { decoderOf } from '../event/decode-event.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { AnyProjection, RollupEntry, SeenClock } from './definition.ts';

/** How far one aggregate's events have been folded, and to what. */
export interface Fold {
  /** The last version that was looked at, whether it counted or not. */
  position: number;
  /** How many events counted. */
  applied: number;
  state: unknown;
}

/** Runs a projection or rollup over one aggregate's events, in order. */
export interface Runner {
  readonly projection: AnyProjection;
  /** Does it ever look at this aggregate type? */
  concerns(aggregateType: string): boolean;
  start(): Fold;
  /** Moves the fold to this event; the state changes only when the event is wanted and `counts`. */
  apply(fold: Fold, event: StoredEvent, counts: boolean): void;
  /** The same for an event that is known by its declared fields. */
  applySeen(fold: Fold, event: SeenEvent): void;
}

/** What a fold sees of an event whose fields it declares: these, and whose event it is. */
export type SeenEvent = Pick<RecordedEvent, 'aggregateUuid' | 'aggregateType' | 'version' | 'type'> & {
  readonly data: Readonly<Record<string, unknown>>;
  readonly occurredAt?: string;
  readonly recordedAt?: string;
};

/**
 * A runner for one definition. A rollup's fold keeps the values by key of one aggregate; reading combines them across
 * aggregates, so that each event counts once by its aggregate's position.
 */
export function createRunner(projection: AnyProjection): Runner {
  const decoder = decoderOf(projection.events);
  const step = stepOf(projection);
  const { fields, clocks = [] } = projection;
  const move = (fold: Fold, event: RecordedEvent | SeenEvent) => {
    const state = step(fold.state, event as RecordedEvent);
    if (state === undefined || typeof state === 'function' || isPromise(state)) {
      const { aggregateUuid, version, type } = event;
      throw new DaybookError('projection.badState', {
        projection: projection.name,
        aggregateUuid,
        version,
        type,
        found: state === undefined ? 'undefined' : isPromise(state) ? 'a promise' : 'a function',
      });
    }
    fold.state = state;
    fold.applied++;
  };
  return {
    projection,
    concerns: (aggregateType) => projection.aggregateType === undefined || projection.aggregateType === aggregateType,
    start: () => ({
      position: 0,
      applied: 0,
      state: projection.kind === 'projection' ? projection.initialState() : {},
    }),
    apply(fold, event, counts) {
      if (counts && decoder.types.has(event.type) && this.concerns(event.aggregateType)) {
        const recorded = decoder.decode(event) as RecordedEvent;
        move(fold, fields === undefined ? recorded : seenOf(recorded, fields[event.type] ?? [], clocks));
      }
      fold.position = event.version;
    },
    applySeen(fold, event) {
      move(fold, event);
      fold.position = event.version;
    },
  };
}

/** Only the declared fields, as a replay reads them from columns: live and replayed, a fold sees the same. */
function seenOf(event: RecordedEvent, fields: readonly string[], clocks: readonly SeenClock[]): SeenEvent {
  const { aggregateUuid, aggregateType, version, type, data } = event;
  const seen: Record<string, unknown> = {};
  if (typeof data === 'object' && data !== null) {
    for (const name of fields) if (Object.hasOwn(data, name)) seen[name] = (data as Record<string, unknown>)[name];
  }
  return {
    aggregateUuid,
    aggregateType,
    version,
    type,
    data: seen,
    ...(clocks.includes('occurred') && { occurredAt: event.occurredAt }),
    ...(clocks.includes('recorded') && { recordedAt: event.recordedAt }),
  };
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** The runner of a projection that is known to be in the app, in the version that a build was planned with. */
export function createRunnerOf(
  projections: readonly AnyProjection[],
  planned: { readonly projection: string; readonly version: number },
): Runner {
  const named = projections.filter(({ name }) => name === planned.projection);
  const projection = named.find(({ version }) => version === planned.version);
  if (projection === undefined) {
    throw new DaybookError('projection.changed', {
      projection: planned.projection,
      planned: planned.version,
      found: named[0]?.version,
    });
  }
  return createRunner(projection);
}

function stepOf(projection: AnyProjection): (state: unknown, event: RecordedEvent) => unknown {
  if (projection.kind === 'projection') {
    const evolve = projection.evolve as (state: unknown, event: RecordedEvent) => unknown;
    return evolve;
  }
  const map = projection.map as (event: RecordedEvent) => readonly RollupEntry<unknown>[];
  return (state, event) => {
    const values = state as Record<string, unknown>;
    for (const { key, value } of checkedEntries(projection.name, event, map(event))) {
      const sum = Object.hasOwn(values, key) ? projection.combine(values[key], value) : value;
      if (key === '__proto__') Object.defineProperty(values, key, { ...MEMBER, value: sum });
      else values[key] = sum;
    }
    return values;
  };
}

/** A key as any other, which an assignment would not make one. */
const MEMBER = { writable: true, enumerable: true, configurable: true };

/** To so many keys an event may add: what is written at once for it stays bounded. */
const MOST_KEYS = 100;

function checkedEntries(name: string, event: RecordedEvent, entries: readonly RollupEntry<unknown>[]) {
  const { aggregateUuid, version, type } = event;
  const at = { projection: name, aggregateUuid, version, type };
  if (!Array.isArray(entries)) {
    const found = isPromise(entries) ? 'a promise' : String(entries);
    throw new DaybookError('projection.badEntries', { ...at, found });
  }
  if (entries.length > MOST_KEYS) {
    throw new DaybookError('projection.tooManyKeys', { ...at, keys: entries.length, most: MOST_KEYS });
  }
  for (const entry of entries as readonly Partial<RollupEntry<unknown>>[]) {
    if (typeof entry?.key !== 'string' || entry.value === undefined) {
      throw new DaybookError('projection.badEntries', { ...at, found: `an entry ${JSON.stringify(entry)}` });
    }
  }
  return entries;
}
