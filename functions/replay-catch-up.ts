import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { environment } from '../src/aws/environment.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { archivePorts, progressPorts } from '../src/aws/replay-ports.ts';
import { createRunnerOf } from '../src/projection/runner.ts';
import { type CatchUpPorts, type CatchUpProgress, catchUp, catchUpStart } from '../src/replay/catch-up.ts';
import type { Plan } from '../src/replay/plan.ts';

export interface ReplayCatchUpEvent {
  readonly plan: Plan;
  /** Which sixteenths of the aggregates. */
  readonly part: string;
  readonly progress?: CatchUpProgress | null;
}

/** Stop early enough that what is under way ends before the function's timeout. */
const MARGIN_MS = 30_000;

export const createReplayCatchUp =
  (ports: CatchUpPorts) =>
  ({ plan, part, progress }: ReplayCatchUpEvent, isLate: () => boolean): Promise<CatchUpProgress> =>
    catchUp(ports, createRunnerOf(app.projections, plan), plan, progress ?? catchUpStart(part), isLate);

let run: ReturnType<typeof createReplayCatchUp> | undefined;

export const handler = (event: ReplayCatchUpEvent, context: Context): Promise<CatchUpProgress> => {
  if (run === undefined) {
    const client = leanClient(new DynamoDBClient());
    run = createReplayCatchUp({
      events: dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') }),
      ...archivePorts(),
      ...progressPorts(client),
    });
  }
  return run(event, () => context.getRemainingTimeInMillis() < MARGIN_MS);
};
