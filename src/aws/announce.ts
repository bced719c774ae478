import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';

/** Puts one event about the store itself on its bus; throws when the bus did not take it. */
export async function announce(
  client: EventBridgeClient,
  bus: string,
  event: { readonly source: string; readonly detailType: string; readonly detail: object },
): Promise<void> {
  const { Entries } = await client.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: bus,
          Source: event.source,
          DetailType: event.detailType,
          Detail: JSON.stringify(event.detail),
        },
      ],
    }),
  );
  const [entry] = Entries ?? [];
  if (entry?.ErrorCode !== undefined) throw new Error(`${event.detailType}: ${entry.ErrorCode} ${entry.ErrorMessage}`);
}
