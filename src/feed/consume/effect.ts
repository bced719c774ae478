import type { AnyEvent, EventOf } from '../../event/event-definition.ts';
import type { StoredEvent } from '../../event/stored-event.ts';

export interface EffectContext {
  /** `aggregateUuid:version`: the same in every attempt, for sinks outside DynamoDB. */
  readonly idempotencyKey: string;
  /** The W3C trace context that the event was appended in, where its metadata has one. */
  readonly traceparent?: string;
  /**
   * The event as it is stored, data and metadata as JSON text to the last digit: a JavaScript number carries 53 bits. It is
   * at hand from the feed, and read from the events table when a bus brought the event.
   */
  stored(): Promise<StoredEvent>;
}

/** What an event means for DynamoDB: items of the transaction that moves the position too. */
export type Effect<E extends AnyEvent, Item> = (
  event: EventOf<E>,
  context: EffectContext,
) => readonly Item[] | Promise<readonly Item[]>;

/** What an event does outside DynamoDB: a mail, a call of another service. */
export type Act<E extends AnyEvent> = (event: EventOf<E>, context: EffectContext) => unknown;
