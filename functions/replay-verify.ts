import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { environment } from '../src/aws/environment.ts';
import { archivePorts, buildPorts } from '../src/aws/replay-ports.ts';
import { createRunnerOf } from '../src/projection/runner.ts';
import type { CatchUpProgress } from '../src/replay/catch-up.ts';
import type { Plan } from '../src/replay/plan.ts';
import { VERIFY_START, type VerifyPorts, type VerifyProgress, verify } from '../src/replay/verify.ts';

export interface ReplayVerifyEvent {
  readonly plan: Plan;
  readonly caughtUp: CatchUpProgress;
  readonly progress?: VerifyProgress | null;
}

/** Stop early enough that what is under way ends before the function's timeout. */
const MARGIN_MS = 60_000;

export const createReplayVerify =
  (ports: VerifyPorts) =>
  ({ plan, caughtUp, progress }: ReplayVerifyEvent, isLate: () => boolean): Promise<VerifyProgress> =>
    verify(ports, createRunnerOf(app.projections, plan), plan, caughtUp, progress ?? VERIFY_START, isLate);

let run: ReturnType<typeof createReplayVerify> | undefined;

export const handler = (event: ReplayVerifyEvent, context: Context): Promise<VerifyProgress> => {
  if (run === undefined) {
    const client = new DynamoDBClient();
    run = createReplayVerify({
      events: dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') }),
      ...archivePorts(),
      ...buildPorts(client),
    });
  }
  return run(event, () => context.getRemainingTimeInMillis() < MARGIN_MS);
};
