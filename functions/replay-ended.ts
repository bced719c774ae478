import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Context } from 'aws-lambda';
import { announce } from '../src/aws/announce.ts';
import { environment } from '../src/aws/environment.ts';
import { buildPorts } from '../src/aws/replay-ports.ts';
import { type Announcement, type EndPorts, type ExecutionEnded, endReplay } from '../src/replay/end.ts';
import { realPauses } from '../src/store/backoff.ts';

/** Stop early enough that what is under way ends before the function's timeout. */
const MARGIN_MS = 30_000;

export const createReplayEnded =
  (ports: EndPorts, tell: (announcement: Announcement) => Promise<void>) =>
  async ({ detail }: { readonly detail: ExecutionEnded }, isLate: () => boolean): Promise<void> => {
    const announcement = await endReplay(ports, detail, isLate);
    if (announcement !== undefined) await tell(announcement);
  };

let run: ReturnType<typeof createReplayEnded> | undefined;

export const handler = (event: { readonly detail: ExecutionEnded }, context: Context): Promise<void> => {
  if (run === undefined) {
    const client = new EventBridgeClient();
    const bus = environment('EVENT_BUS');
    run = createReplayEnded(
      { ...buildPorts(new DynamoDBClient()), now: Date.now, pause: realPauses.sleep },
      (announcement) => announce(client, bus, { source: 'daybook.replay', ...announcement }),
    );
  }
  return run(event, () => context.getRemainingTimeInMillis() < MARGIN_MS);
};
