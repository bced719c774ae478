import './errors.ts';
import './plan-errors.ts';
import '../store/errors.ts';
import { DaybookError } from '../errors.ts';
import { decodeStored } from '../event/decode-event.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { ProjectionDefinition, RollupDefinition } from '../projection/definition.ts';
import { itemOf } from '../projection/project.ts';
import { createRunner, type Fold } from '../projection/runner.ts';
import { realPauses } from '../store/backoff.ts';
import { checkAggregateUuid, checkOptions, checkVersion } from '../store/check-input.ts';
import type { EventTable } from '../store/event-table.ts';
import { readRuns } from '../store/read-runs.ts';
import { type Change, changedPaths } from './changed-paths.ts';
import { namingRunner } from './naming-runner.ts';

/** One version of an aggregate in an audit: who did what and when, what a projection made of it, and what that changed. */
export interface AuditedVersion<State = unknown>
  extends Pick<
    RecordedEvent,
    'aggregateUuid' | 'version' | 'type' | 'occurredAt' | 'recordedAt' | 'commitId' | 'data' | 'metadata'
  > {
  /** Whether the projection looks at such an event. */
  readonly applied: boolean;
  /** After this version. */
  readonly state: State;
  /** What this version changed in it. */
  readonly changes: readonly Change[];
}

export interface AuditOptions {
  /** The first version that is shown; it is folded from 1 in any case. Default 1. */
  readonly first?: number;
  /** The last version that is shown. Default: the last there is. */
  readonly last?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: a projection of whatever events
type Audited<State> = ProjectionDefinition<string, any, State> | RollupDefinition<string, any, State>;

/**
 * The versions of one aggregate as a projection sees them, from the table of events: after each the state, and what it changed.
 * It holds one page of events and two states at a time. Of a rollup the state is the aggregate's own values by key.
 *
 * Throws `replay.foldFailed` with the version that the fold cannot take, `replay.badRequest` when the projection is of another
 * type of aggregates, `option.notAllowed` for a version that is none, `range.reversed`.
 *
 * @example
 * for await (const { version, type, changes } of auditAggregate(events, balances, 'account-1', { first: 2 })) {
 *   console.log(version, type, changes); // 2 MoneyDeposited [{ path: '/balance', before: 0, after: 100 }]
 * }
 */
export async function* auditAggregate<State>(
  table: EventTable,
  projection: Audited<State>,
  aggregateUuid: string,
  options: AuditOptions = {},
): AsyncGenerator<AuditedVersion<State>, void, undefined> {
  checkAggregateUuid(aggregateUuid);
  checkOptions('audit', options, ['first', 'last']);
  const { first = 1, last } = options;
  checkVersion('first', first, 1);
  if (last !== undefined) checkVersion('last', last, 1);
  if (last !== undefined && first > last) throw new DaybookError('range.reversed', { from: first, to: last });
  const runner = namingRunner(createRunner(projection));
  const fold = runner.start();
  // A fold may change the state that it is given: what was before is kept as it would be read.
  let before: unknown = stateOf(aggregateUuid, fold);
  for await (const run of readRuns(table, aggregateUuid, { to: last }, realPauses)) {
    for (const stored of run) {
      if (!runner.concerns(stored.aggregateType)) {
        const allowed = `an aggregate of the type ${projection.aggregateType}, which ${projection.name} is of; it is a ${stored.aggregateType}`;
        throw new DaybookError('replay.badRequest', { where: 'aggregate', given: aggregateUuid, allowed });
      }
      const counted = fold.applied;
      runner.apply(fold, stored, true);
      if (stored.version < first - 1) continue;
      const state: unknown = stateOf(aggregateUuid, fold);
      if (stored.version >= first) {
        const { version, type, occurredAt, recordedAt, commitId, data, metadata } = decodeStored(stored);
        yield {
          ...{ aggregateUuid, version, type, occurredAt, recordedAt, commitId, data, metadata },
          applied: fold.applied > counted,
          state: state as State,
          changes: changedPaths(before, state),
        };
      }
      before = state;
    }
  }
}

/** Of a rollup what the aggregate has added by key: its item keeps only the tally of that. */
function stateOf(aggregateUuid: string, fold: Fold): unknown {
  if (fold.added === undefined) return JSON.parse(itemOf(aggregateUuid, fold).state);
  return JSON.parse(JSON.stringify(Object.fromEntries([...fold.added].map(([key, { value }]) => [key, value]))));
}
