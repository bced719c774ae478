import { DaybookError } from './errors.ts';
import type { AnyAggregate } from './event/aggregate-definition.ts';
import type { AnyEvent } from './event/event-definition.ts';
import { checkProjectionName } from './event/names.ts';
import type { AnyProjection } from './projection/definition.ts';

/** Everything that the deployed functions and the CLI need to know of a user's domain. Plain data; made by `defineApp`. */
export interface AppDefinition<
  Aggregates extends readonly AnyAggregate[] = readonly AnyAggregate[],
  Projections extends readonly AnyProjection[] = readonly AnyProjection[],
> {
  readonly kind: 'app';
  readonly name: string;
  readonly aggregates: Aggregates;
  readonly projections: Projections;
}

export interface AppOptions<Aggregates extends readonly AnyAggregate[], Projections extends readonly AnyProjection[]> {
  /** Lower-case letters, digits and dashes. */
  readonly name: string;
  readonly aggregates: Aggregates;
  /** Projections and rollups; default none. */
  readonly projections?: Projections;
}

/**
 * Collects a domain's aggregates and projections: the default export of an app module. Two things of one name are refused;
 * of a projection several versions may stand beside each other, while readers move from one to the next.
 *
 * @example
 * export default defineApp({ name: 'bank', aggregates: [Account], projections: [balances, depositsByMonth] });
 */
export function defineApp<
  const Aggregates extends readonly AnyAggregate[],
  const Projections extends readonly AnyProjection[] = readonly [],
>(options: AppOptions<Aggregates, Projections>): AppDefinition<Aggregates, Projections> {
  const { name, aggregates, projections = [] as readonly AnyProjection[] as Projections } = options;
  checkProjectionName('app', name);
  refuseDuplicates(
    'aggregate',
    aggregates.map((aggregate) => aggregate.type),
  );
  refuseDuplicates(
    'projection',
    projections.map(({ name: projection, version }) => `${projection} version ${version}`),
  );
  // The same definition may serve several aggregates; two definitions of one name could not be told apart on the bus.
  const app = { kind: 'app', name, aggregates, projections } as const;
  refuseDuplicates(
    'event',
    eventsOfApp(app).map((event) => event.type),
  );
  return app;
}

/** The events of an app's aggregates and projections, each definition once, in their order. */
export function eventsOfApp({ aggregates, projections }: AppDefinition): readonly AnyEvent[] {
  return [...new Set<AnyEvent>([...aggregates, ...projections].flatMap((owner) => owner.events))];
}

function refuseDuplicates(what: 'aggregate' | 'projection' | 'event', names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new DaybookError('definition.duplicateName', { what, name });
    seen.add(name);
  }
}
