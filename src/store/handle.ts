import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { AnyAggregate, EventsOf, StateOf } from '../event/aggregate-definition.ts';
import { decoderOf } from '../event/decode-event.ts';
import type { EventOf, NewEventOf } from '../event/event-definition.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { checkOwn, tryCommit } from './append.ts';
import { pause } from './backoff.ts';
import { checkOptions } from './check-input.ts';
import type { StoreContext } from './context.ts';
import { catchUp, decodeFor, type Fold, foldOne, type LoadedAggregate, load, toLoaded } from './load.ts';
import { planChange } from './plan-commit.ts';
import { resolveTarget } from './target.ts';

/** What to do about a command, given the state: events, one or many, or none. Pure; throw to refuse the command. */
export type Decide<A extends AnyAggregate, Command> = (
  state: StateOf<A>,
  command: Command,
) => NewEventOf<EventsOf<A>> | readonly NewEventOf<EventsOf<A>>[];

export interface HandleOptions {
  /** How often to decide at the most, when others write to the aggregate at the same time; default as the store was made. */
  readonly attempts?: number;
}

/** The aggregate after a command, with the events that the command brought (none when it decided so). */
export interface Handled<A extends AnyAggregate = AnyAggregate> extends LoadedAggregate<A> {
  readonly events: readonly EventOf<EventsOf<A>>[];
}

export async function handle<A extends AnyAggregate, Command>(
  context: StoreContext,
  aggregate: A,
  aggregateUuid: string,
  decide: Decide<A, Command>,
  command: Command,
  options: HandleOptions,
): Promise<Handled<A>> {
  checkOptions('handle', options, ['attempts']);
  const attempts = options.attempts ?? context.conflictBackoff.attempts;
  let loaded = await load(context, aggregate, aggregateUuid, {});
  for (let attempt = 1; ; attempt++) {
    const decided = decide(loaded.state, command);
    const events = Array.isArray(decided) ? decided : [decided];
    if (events.length === 0) return withEvents(context, loaded, []);
    const change = planChange(resolveTarget(context, loaded), events, context.trace());
    const result = await tryCommit(context, [change], context.newCommitId());
    if (result.outcome === 'written' || result.outcome === 'alreadyWritten') {
      if (result.outcome === 'alreadyWritten') await checkOwn(context, result.stored);
      return foldOn(context, loaded, result.stored[0]!);
    }
    if (attempt >= attempts) {
      const aggregateType = aggregate.type;
      throw new DaybookError('append.contended', { aggregateUuid, aggregateType, attempts, actual: result.version });
    }
    await pause(context.conflictBackoff, attempt, context.pauses);
    loaded = await catchUp(context, loaded);
  }
}

/** The state with its own new events, as a load would read them back. */
function foldOn<A extends AnyAggregate>(
  context: StoreContext,
  loaded: LoadedAggregate<A>,
  stored: readonly StoredEvent[],
): Handled<A> {
  const { aggregate, aggregateUuid, version, state } = loaded;
  const decoder = decoderOf(aggregate.events);
  const fold: Fold = { state, version, recordedAt: '', commitId: '', events: 0, bytes: 0 };
  for (const event of stored) foldOne(aggregate, decoder, fold, event);
  const events = stored.map((event) => decodeFor(aggregate, decoder, event));
  return withEvents(context, toLoaded(context, aggregate, aggregateUuid, fold), events);
}

function withEvents<A extends AnyAggregate>(
  context: StoreContext,
  loaded: LoadedAggregate<A>,
  events: readonly EventOf<EventsOf<A>>[],
): Handled<A> {
  const handled = { ...loaded, events };
  const head = context.heads.get(loaded);
  if (head !== undefined) context.heads.set(handled, head);
  return handled;
}
