import type { Cloud, Json } from '../../cloud.ts';
import type { Container } from '../definition/machine.ts';
import type { Bindings } from '../expression/compile.ts';
import type { ExecutionKeeper } from '../kept-executions.ts';
import type { MapRuns } from '../map/map-run.ts';
import { CancelScope } from './cancel-scope.ts';
import type { Frame, Strand } from './frame.ts';
import type { History, HistoryEvent } from './history.ts';
import type { TaskTokens } from './task-tokens.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';

/** An execution as data: all that is needed to answer for it and to go on with it. Times are epoch milliseconds. */
export interface ExecutionRecord {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string;
  readonly stateMachineName: string;
  readonly revisionId: string;
  /** The definition that it was started with. */
  readonly definition: string;
  readonly roleArn: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly input: string;
  readonly traceHeader: string | undefined;
  /** Set for a child of a distributed Map. */
  readonly mapRunArn: string | undefined;
  /** The Map state whose child it is. */
  readonly mapState: string | undefined;
  readonly itemCount: number | undefined;
  readonly startDate: number;
  readonly history: HistoryEvent[];
  /** Another one after a redrive. */
  root: Frame;
  status: ExecutionStatus;
  stopDate: number | undefined;
  output: string | undefined;
  error: string | undefined;
  cause: string | undefined;
  redriveCount: number;
  redriveDate: number | undefined;
  /** When the time of the state machine is up. */
  deadline: number | undefined;
}

/** What the interpreter needs of the service around it. */
export interface Surroundings {
  readonly cloud: Cloud;
  readonly tokens: TaskTokens;
  readonly mapRuns: MapRuns;
  /** Writes every step down, when everything is kept. */
  readonly keeper: ExecutionKeeper | undefined;
  /** Something to wait for before the next state, when others have not had their turn for long. */
  pause(): Promise<void> | undefined;
  /** Resolves when the execution is not running any more, or does not exist. */
  ended(executionArn: string): Promise<void>;
  /** Starts a child of a distributed Map. */
  startChild(child: ChildExecution): ExecutionRecord;
  /** Goes on with a child that did not succeed. */
  redriveChild(arn: string): ExecutionRecord;
  stopChild(arn: string): void;
  statusOf(arn: string): ExecutionStatus;
  recordOf(arn: string): ExecutionRecord;
}

export interface ChildExecution {
  readonly parent: ExecutionRecord;
  readonly container: Container;
  readonly label: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly mapRunArn: string;
  readonly mapState: string;
  readonly input: Json;
  readonly inputText: string;
  readonly itemCount: number;
}

/** An execution at work. */
export class Execution {
  readonly record: ExecutionRecord;
  readonly container: Container;
  readonly around: Surroundings;
  readonly history: History;
  readonly input: Json;
  readonly scope = new CancelScope();

  constructor(record: ExecutionRecord, container: Container, history: History, around: Surroundings) {
    this.record = record;
    this.container = container;
    this.history = history;
    this.around = around;
    this.input = record.root.input;
  }

  get now(): number {
    return this.around.cloud.kernel.clock.now();
  }

  /** The strand has taken a step. What a strand does that has not noticed the execution's end is not kept. */
  touch(strand: Strand, deep?: boolean): void {
    if (this.scope.reason === undefined) this.around.keeper?.touched(this.record, strand, deep);
  }

  /** The Context object: `$states.context`. */
  context({ frame, item }: { frame: Frame; item: Strand['item'] }, override: { item?: Json } = {}): Json {
    const { record } = this;
    const context: Record<string, Json> = {
      Execution: {
        Id: record.arn,
        Input: this.input,
        Name: record.name,
        RoleArn: record.roleArn,
        StartTime: new Date(record.startDate).toISOString(),
        RedriveCount: record.redriveCount,
        ...(record.redriveDate === undefined ? {} : { RedriveTime: new Date(record.redriveDate).toISOString() }),
      },
      State: {
        EnteredTime: new Date(frame.entered?.at ?? this.now).toISOString(),
        Name: frame.state,
        RetryCount: frame.attempts.reduce((sum, attempts) => sum + attempts, 0),
      },
      StateMachine: { Id: record.stateMachineArn, Name: record.stateMachineName },
    };
    if (frame.task?.token !== undefined) context.Task = { Token: frame.task.token };
    const map = override.item ?? item;
    if (map !== undefined) context.Map = { Item: map };
    return context;
  }

  /** What an expression of the strand's state sees: the variables, and `$states` with what the field may read. */
  bindings(strand: Strand, more: { result?: Json; errorOutput?: Json; item?: Json } = {}): Bindings {
    const { item, ...states } = more;
    return {
      ...strand.variables,
      states: {
        input: strand.frame.input,
        context: this.context(strand, item === undefined ? {} : { item }),
        ...states,
      },
    };
  }
}

/** What a state comes to. */
export interface Outcome {
  readonly output: Json;
  readonly variables: Readonly<Record<string, Json>>;
  readonly next: string | undefined;
}
