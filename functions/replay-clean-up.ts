import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Context } from 'aws-lambda';
import { environment } from '../src/aws/environment.ts';
import { buildPorts } from '../src/aws/replay-ports.ts';
import { endOfExecution } from '../src/aws/sfn-executions.ts';
import { type CleanedUp, type CleanUpPorts, cleanUp, type Retention } from '../src/replay/clean-up.ts';
import { realPauses } from '../src/store/backoff.ts';

/** Stop early enough that what is under way ends before the function's timeout. */
const MARGIN_MS = 30_000;

export const createReplayCleanUp =
  (ports: CleanUpPorts, retention: Retention) =>
  (isLate: () => boolean): Promise<CleanedUp> =>
    cleanUp(ports, app.projections, retention, isLate);

let run: ReturnType<typeof createReplayCleanUp> | undefined;

export const handler = (_: unknown, context: Context): Promise<CleanedUp> => {
  if (run === undefined) {
    const states = new SFNClient();
    const ended = (execution: string) => endOfExecution(states, execution);
    const ports = { ...buildPorts(new DynamoDBClient()), ended, now: Date.now, pause: realPauses.sleep };
    const buildDays = Number(environment('KEEP_BUILDS_DAYS'));
    run = createReplayCleanUp(ports, { buildDays, reportDays: Number(environment('KEEP_REPORTS_DAYS')) });
  }
  return run(() => context.getRemainingTimeInMillis() < MARGIN_MS);
};
