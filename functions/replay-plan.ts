import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { environment } from '../src/aws/environment.ts';
import { archivePorts, buildPorts } from '../src/aws/replay-ports.ts';
import { isRunning } from '../src/aws/sfn-executions.ts';
import { tableSize } from '../src/aws/table-size.ts';
import { type Busy, type Plan, type PlanOptions, type PlanPorts, plan } from '../src/replay/plan.ts';

export interface ReplayPlanEvent extends PlanOptions {
  readonly request: unknown;
}

export const createReplayPlan =
  (ports: PlanPorts) =>
  ({ request, ...options }: ReplayPlanEvent): Promise<Plan | Busy> =>
    plan(ports, app.projections, { ...options, passBytes: Number(environment('PASS_BYTES')) }, request);

let planner: ReturnType<typeof createReplayPlan> | undefined;

export const handler = (event: ReplayPlanEvent): Promise<Plan | Busy> => {
  if (planner === undefined) {
    const client = new DynamoDBClient();
    const states = new SFNClient();
    planner = createReplayPlan({
      ...archivePorts(),
      ...buildPorts(client),
      size: () => tableSize(client, environment('EVENTS_TABLE')),
      isRunning: (execution) => isRunning(states, execution),
      now: Date.now,
    });
  }
  return planner(event);
};
