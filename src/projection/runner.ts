import './errors.ts';
import { DaybookError } from '../errors.ts';
import { decoderOf } from '../event/decode-event.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { AnyProjection, ProjectionDefinition, RollupDefinition, RollupEntry, SeenClock } from './definition.ts';
import { notJson } from './not-json.ts';
import type { ProjectionItem } from './projection-table.ts';
import { addTally, emptyTally, type Tally, tallyOf } from './tally.ts';

/** How far one aggregate's events have been folded, and to what. */
export interface Fold {
  /** The last version that was looked at, whether it counted or not. */
  position: number;
  /** How many events counted. */
  applied: number;
  /** Of a rollup: the tally of what its aggregate has added. */
  state: unknown;
  /** Of a rollup: what was added by key since the fold was begun or gone on with. */
  readonly added?: Added;
}

/** What entries of one key came to. */
export interface AddedValue extends Tally {
  value: unknown;
}

/** By key, what a rollup's events came to. */
export type Added = Map<string, AddedValue>;

/** Runs a projection or rollup over one aggregate's events, in order. */
export interface Runner {
  readonly projection: AnyProjection;
  /** Does it ever look at this aggregate type? */
  concerns(aggregateType: string): boolean;
  /** A rollup adds to `added`, a new one or that of other aggregates. */
  start(added?: Added): Fold;
  /** The fold that an item was made of; nothing is added yet. */
  goOn(item: ProjectionItem): Fold;
  /**
   * Moves the fold to this event; the state changes only when the event is wanted and `counts`. False, with nothing done, when
   * that would add to more than `mostKeys` keys.
   */
  apply(fold: Fold, event: StoredEvent, counts: boolean, mostKeys?: number): boolean;
  /** The same for an event that is as the fold sees it, is wanted, and counts. */
  applySeen(fold: Fold, event: RecordedEvent | SeenEvent): void;
}

/** What a fold sees of an event whose fields it declares: these, and whose event it is. */
export type SeenEvent = Pick<RecordedEvent, 'aggregateUuid' | 'aggregateType' | 'version' | 'type'> & {
  readonly data: Readonly<Record<string, unknown>>;
  readonly occurredAt?: string;
  readonly recordedAt?: string;
};

/** A runner for one definition. */
export function createRunner(projection: AnyProjection): Runner {
  const decoder = decoderOf(projection.events);
  const { fields, clocks = [] } = projection;
  const move = projection.kind === 'rollup' ? moveRollup(projection) : moveProjection(projection);
  return {
    projection,
    concerns: (aggregateType) => projection.aggregateType === undefined || projection.aggregateType === aggregateType,
    start: (added = new Map()) =>
      projection.kind === 'projection'
        ? { position: 0, applied: 0, state: projection.initialState() }
        : { position: 0, applied: 0, state: emptyTally(), added },
    goOn: ({ position, applied, state }) => ({
      position,
      applied,
      state: JSON.parse(state),
      ...(projection.kind === 'rollup' && { added: new Map() }),
    }),
    apply(fold, event, counts, mostKeys = Number.POSITIVE_INFINITY) {
      if (counts && decoder.types.has(event.type) && this.concerns(event.aggregateType)) {
        const recorded = decoder.decode(event) as RecordedEvent;
        const seen = fields === undefined ? recorded : seenOf(recorded, fields[event.type] ?? [], clocks);
        if (!move(fold, seen, mostKeys)) return false;
        fold.applied++;
      }
      fold.position = event.version;
      return true;
    },
    applySeen(fold, event) {
      move(fold, event, Number.POSITIVE_INFINITY);
      fold.applied++;
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

/** Changes the fold's state by one event; false where there is no room for what it adds. */
type Move = (fold: Fold, event: RecordedEvent | SeenEvent, mostKeys: number) => boolean;

function moveProjection(projection: ProjectionDefinition): Move {
  const evolve = projection.evolve as (state: unknown, event: RecordedEvent | SeenEvent) => unknown;
  return (fold, event) => {
    const state = evolve(fold.state, event);
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
    return true;
  };
}

function moveRollup(rollup: RollupDefinition): Move {
  const map = rollup.map as (event: RecordedEvent | SeenEvent) => readonly RollupEntry<unknown>[];
  return (fold, event, mostKeys) => {
    const added = fold.added!;
    const entries = checkedEntries(rollup.name, event, map(event));
    if (added.size > 0 && added.size + entries.length > mostKeys && keysWith(added, entries) > mostKeys) return false;
    for (const { key, value } of entries) {
      const json = JSON.stringify(value);
      const tally = tallyOf(key, json);
      addTally(fold.state as Tally, tally);
      // What `combine` may change is ours, not what the map has made.
      addValue(rollup, added, key, { value: added.has(key) ? value : JSON.parse(json), ...tally });
    }
    return true;
  };
}

/** Combines what is there of a key with what comes to it. */
export function addValue(rollup: RollupDefinition, added: Added, key: string, more: AddedValue): void {
  const known = added.get(key);
  if (known === undefined) {
    added.set(key, more);
    return;
  }
  known.value = rollup.combine(known.value, more.value);
  addTally(known, more);
}

function keysWith(added: Added, entries: readonly RollupEntry<unknown>[]): number {
  const fresh = new Set(entries.map(({ key }) => key).filter((key) => !added.has(key)));
  return added.size + fresh.size;
}

/**
 * To so many keys one event may add: its effect is one transaction, with the position of its aggregate.
 * "TransactWriteItems is a synchronous write operation that groups up to 100 action requests."
 */
export const MOST_KEYS = 99;
/** "The maximum length of a sort key value is 1024 bytes": a key, and whose value of it that is. */
const MOST_KEY_BYTES = 1000;

function checkedEntries(name: string, event: RecordedEvent | SeenEvent, entries: readonly RollupEntry<unknown>[]) {
  const bad = (found: string) => {
    const { aggregateUuid, version, type } = event;
    return new DaybookError('projection.badEntries', { projection: name, aggregateUuid, version, type, found });
  };
  if (!Array.isArray(entries)) throw bad(isPromise(entries) ? 'a promise' : String(entries));
  for (const entry of entries as readonly Partial<RollupEntry<unknown>>[]) {
    if (typeof entry?.key !== 'string' || entry.value === undefined) throw bad(`an entry ${JSON.stringify(entry)}`);
    const { key, value } = entry;
    if (key.length > MOST_KEY_BYTES / 4 && Buffer.byteLength(key) > MOST_KEY_BYTES) {
      throw bad(`a key of ${Buffer.byteLength(key)} bytes, where ${MOST_KEY_BYTES} are allowed`);
    }
    if (!key.isWellFormed()) throw bad(`a key with a lone surrogate, which UTF-8 cannot hold, ${JSON.stringify(key)}`);
    const problem = notJson(value, 'value', 0);
    if (problem !== undefined) throw bad(`a value that is no JSON (${problem.where} is ${problem.found})`);
  }
  if (entries.length > MOST_KEYS) {
    const keys = new Set(entries.map(({ key }) => key)).size;
    const { aggregateUuid, version, type } = event;
    const of = { projection: name, aggregateUuid, version, type };
    if (keys > MOST_KEYS) throw new DaybookError('projection.tooManyKeys', { ...of, keys, most: MOST_KEYS });
  }
  return entries;
}
