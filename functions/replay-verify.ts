import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { environment } from '../src/aws/environment.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { archivePorts, progressPorts } from '../src/aws/replay-ports.ts';
import { createRunnerOf } from '../src/projection/runner.ts';
import { type CaughtUp, sumOfParts } from '../src/replay/catch-up.ts';
import type { Plan } from '../src/replay/plan.ts';
import { type VerifyPorts, type VerifyProgress, verify, verifyPart, verifyStart } from '../src/replay/verify.ts';

/** A part of the build, and how far it is; or what its parts have come to. */
export type ReplayVerifyEvent = { readonly plan: Plan; readonly caughtUp: readonly CaughtUp[] } & (
  | { readonly part: string; readonly progress?: VerifyProgress | null }
  | { readonly verified: readonly VerifyProgress[] }
);

/** Stop early enough that what is under way ends before the function's timeout. */
const MARGIN_MS = 60_000;

export const createReplayVerify = (ports: VerifyPorts) => async (event: ReplayVerifyEvent, isLate: () => boolean) => {
  const { plan } = event;
  const runner = createRunnerOf(app.projections, plan);
  const caughtUp = sumOfParts(event.caughtUp);
  if ('verified' in event) return verify(ports, runner, plan, caughtUp, event.verified);
  return verifyPart(ports, runner, plan, caughtUp, event.progress ?? verifyStart(event.part), isLate);
};

let run: ReturnType<typeof createReplayVerify> | undefined;

export const handler = (event: ReplayVerifyEvent, context: Context) => {
  if (run === undefined) {
    const client = leanClient(new DynamoDBClient());
    const events = dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') });
    run = createReplayVerify({ events, ...archivePorts(), ...progressPorts(client) });
  }
  return run(event, () => context.getRemainingTimeInMillis() < MARGIN_MS);
};
