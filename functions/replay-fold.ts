import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { leanClient } from '../src/aws/lean-client.ts';
import { archivePorts, progressPorts } from '../src/aws/replay-ports.ts';
import { createRunnerOf } from '../src/projection/runner.ts';
import { noteFailure } from '../src/replay/failure.ts';
import { type FilesGone, type FoldPorts, type FoldResult, foldSlice } from '../src/replay/fold.ts';
import type { Plan, Slice } from '../src/replay/plan.ts';

export interface ReplayFoldEvent {
  readonly plan: Plan;
  readonly slice: Slice;
  readonly pass: number;
  /** After a file was gone: which one, and which generation of compacted files queries see now. */
  readonly again: { readonly gone: string; readonly generation: string } | null;
  /** Redriven after a failure. */
  readonly resumed?: boolean;
}

export const createReplayFold =
  (ports: FoldPorts) =>
  ({ plan, slice, pass, again, resumed = false }: ReplayFoldEvent): Promise<FoldResult | FilesGone> =>
    noteFailure(ports.builds, plan, async () => {
      const options = { pass, resumed, ...(again !== null && { again }) };
      return foldSlice(ports, createRunnerOf(app.projections, plan), plan, slice, options);
    });

let fold: ReturnType<typeof createReplayFold> | undefined;

export const handler = (event: ReplayFoldEvent): Promise<FoldResult | FilesGone> => {
  fold ??= createReplayFold({ ...archivePorts(), ...progressPorts(leanClient(new DynamoDBClient())) });
  return fold(event);
};
