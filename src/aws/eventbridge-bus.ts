import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { BUS_SOURCE, type EventBus } from '../feed/event-bus.ts';

export interface EventBridgeBusOptions {
  readonly client: EventBridgeClient;
  /** Name or ARN. */
  readonly bus: string;
}

/**
 * "The total entry size must be less than 256KB", and "the event in EventBridge is always larger than the entry size": newer
 * accounts take 1 MB, several targets still do not. Room is left for what a delivery adds.
 */
const MAX_BYTES = 256 * 1024 - 2048;

/**
 * An EventBridge bus.
 *
 * @example
 * const bus = eventBridgeBus({ client: new EventBridgeClient(), bus: process.env.EVENT_BUS! });
 */
export function eventBridgeBus({ client, bus }: EventBridgeBusOptions): EventBus {
  return {
    maxEvents: 10, // "Maximum number of 10 items."
    maxBytes: MAX_BYTES,
    async put(events) {
      const { Entries = [] } = await client.send(
        new PutEventsCommand({
          Entries: events.map(({ detailType, detail, traceHeader }) => ({
            EventBusName: bus,
            Source: BUS_SOURCE,
            DetailType: detailType,
            Detail: detail,
            ...(traceHeader !== undefined && { TraceHeader: traceHeader }),
          })),
        }),
      );
      // "If the ingestion was successful, the entry has the event ID in it. Otherwise, you can use the error code".
      return events.map((_, i) => {
        const entry = Entries[i];
        return entry?.EventId === undefined ? { reason: entry?.ErrorCode ?? 'NoAnswer' } : undefined;
      });
    },
  };
}
