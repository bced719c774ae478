import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { AnyAggregate, EventsOf } from '../event/aggregate-definition.ts';
import type { NewEventOf } from '../event/event-definition.ts';
import type { NewEvent } from '../event/recorded-event.ts';
import { checkAggregateType, checkAggregateUuid, checkOptions, checkVersion } from './check-input.ts';
import { BEFORE_FIRST, type Head, type StoreContext } from './context.ts';
import type { LoadedAggregate } from './load.ts';

/** An aggregate that was not loaded: its definition, or only its type's name (then events are not checked against a schema). */
export interface BareTarget<A extends AnyAggregate | string = AnyAggregate | string> {
  readonly aggregate: A;
  readonly aggregateUuid: string;
  /** The version that the events follow, 0 for a new aggregate; `'any'` appends wherever the aggregate is. */
  readonly expectedVersion: number | 'any';
}

/** What can be appended to. */
export type Target = LoadedAggregate | BareTarget;

/** The events that may be appended to a target. */
export type EventsFor<T> = T extends { readonly aggregate: infer A extends AnyAggregate }
  ? NewEventOf<EventsOf<A>>
  : NewEvent;

/** A target with every part checked. */
export interface ResolvedTarget {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  readonly definition: AnyAggregate | undefined;
  readonly expected: number | 'any';
  /** Known without a read: this store loaded it, or it is to be new. */
  readonly head: Head | undefined;
}

const BARE = ['aggregate', 'aggregateUuid', 'expectedVersion'];

export function resolveTarget(context: StoreContext, target: Target): ResolvedTarget {
  if (typeof target !== 'object' || target === null) {
    throw new DaybookError('append.noTarget', { problem: `it was given ${target === null ? 'null' : typeof target}` });
  }
  const { aggregate, aggregateUuid } = target;
  const definition = typeof aggregate === 'string' ? undefined : aggregate;
  if (definition !== undefined && definition?.kind !== 'aggregate') {
    throw new DaybookError('append.noTarget', { problem: 'its aggregate is no definition and no type' });
  }
  const aggregateType = definition === undefined ? (aggregate as string) : definition.type;
  checkAggregateType(aggregateType);
  checkAggregateUuid(aggregateUuid);
  const checked = { aggregateUuid, aggregateType, definition };

  const bare = 'expectedVersion' in target;
  if (bare) checkOptions('append', target, BARE);
  const expected = bare ? target.expectedVersion : target.version;
  if (expected === undefined) throw new DaybookError('append.noExpectedVersion', { aggregateUuid, aggregateType });
  if (bare && expected === 'any') return { ...checked, expected, head: undefined };
  checkVersion(bare ? 'expectedVersion' : 'version', expected, 0);
  // A copy, or one that another store loaded, proves nothing: it is checked like a bare version.
  const known = context.heads.get(target);
  const head = known?.version === expected ? known : expected === 0 ? BEFORE_FIRST : undefined;
  return { ...checked, expected, head };
}
