import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { leanClient } from '../src/aws/lean-client.ts';
import { archivePorts, buildPorts } from '../src/aws/replay-ports.ts';
import { createRunnerOf } from '../src/projection/runner.ts';
import { type FoldPorts, type FoldResult, foldSlice } from '../src/replay/fold.ts';
import type { Plan, Slice } from '../src/replay/plan.ts';

export interface ReplayFoldEvent {
  readonly plan: Plan;
  readonly slice: Slice;
}

export const createReplayFold =
  (ports: FoldPorts) =>
  ({ plan, slice }: ReplayFoldEvent): Promise<FoldResult> =>
    foldSlice(ports, createRunnerOf(app.projections, plan), plan, slice);

let fold: ReturnType<typeof createReplayFold> | undefined;

export const handler = (event: ReplayFoldEvent): Promise<FoldResult> => {
  fold ??= createReplayFold({ ...archivePorts(), ...buildPorts(leanClient(new DynamoDBClient())) });
  return fold(event);
};
