import { DaybookError } from '../../errors.ts';
import type { EventDecoder } from '../../event/decode-event.ts';
import type { AnyEvent, EventOf } from '../../event/event-definition.ts';
import type { StoredEvent } from '../../event/stored-event.ts';
import type { EventTable } from '../../store/event-table.ts';
import { missingEvents } from '../missing-events.ts';
import type { PositionTable } from '../position-table.ts';

export interface EffectContext {
  /** `aggregateUuid:version`: the same in every attempt, for sinks outside DynamoDB. */
  readonly idempotencyKey: string;
}

/** What an event does: items for the transaction that moves the position too, or nothing when it has acted outside. */
export type Effect<E extends AnyEvent, Item> = (
  event: EventOf<E>,
  context: EffectContext,
  // biome-ignore lint/suspicious/noConfusingVoidType: an effect that acts outside answers nothing
) => readonly Item[] | void | Promise<readonly Item[] | void>;

export interface AdvancePorts<E extends AnyEvent, Item> {
  readonly name: string;
  readonly decoder: EventDecoder<E>;
  readonly positions: PositionTable<Item>;
  readonly table: Pick<EventTable, 'query'>;
  readonly effect: Effect<E, Item>;
}

/** What came: versions `[from..to]` of an aggregate; without `events` they are read from the table. */
export interface Arrival {
  readonly aggregate: string;
  readonly from: number;
  readonly to: number;
  readonly events?: readonly StoredEvent[];
}

/** How often another may move the position under this one before the batch is brought again. */
const ATTEMPTS = 10;
/** Events of no interest move the position at the end, and this often on a long way. */
const SAVE_EVERY = 500;

/**
 * Brings one aggregate from its position to the arrival's end, in order, missing versions from the table first: each event
 * of interest by its effect and the position in one conditional commit. Answers with the position that is reached.
 */
export async function advance<E extends AnyEvent, Item>(
  arrival: Arrival,
  position: number,
  ports: AdvancePorts<E, Item>,
): Promise<number> {
  const { name: consumer, positions } = ports;
  const { aggregate, to } = arrival;
  let at = position;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (to <= at) return at;
    const reached = await advanceFrom(arrival, at, ports);
    if (reached === to) return to;
    at = (await positions.read(consumer, [aggregate])).get(aggregate) ?? 0;
  }
  throw new DaybookError('feed.positionBusy', { consumer, aggregate, attempts: ATTEMPTS });
}

/** Undefined when another moved the position meanwhile. */
async function advanceFrom<E extends AnyEvent, Item>(
  arrival: Arrival,
  position: number,
  ports: AdvancePorts<E, Item>,
): Promise<number | undefined> {
  const { name: consumer, positions, decoder, effect } = ports;
  const { aggregate } = arrival;
  let from = position;
  let seen = position;
  for await (const page of eventsAbove(position, arrival, ports.table)) {
    for (const stored of page) {
      seen = stored.version;
      const event = decoder.decode(stored);
      if (event === undefined) continue;
      const items = await effect(event, { idempotencyKey: `${aggregate}:${seen}` });
      if (!(await positions.commit({ consumer, aggregate, from, to: seen }, items ?? []))) return undefined;
      from = seen;
    }
    if (seen - from >= SAVE_EVERY) {
      if (!(await positions.commit({ consumer, aggregate, from, to: seen }, []))) return undefined;
      from = seen;
    }
  }
  if (seen > from && !(await positions.commit({ consumer, aggregate, from, to: seen }, []))) return undefined;
  return seen;
}

async function* eventsAbove(position: number, arrival: Arrival, table: Pick<EventTable, 'query'>) {
  const { aggregate, from, to, events } = arrival;
  if (events === undefined) yield* missingEvents(table, aggregate, position + 1, to);
  else {
    yield* missingEvents(table, aggregate, position + 1, from - 1);
    yield events.filter((event) => event.version > position);
  }
}
