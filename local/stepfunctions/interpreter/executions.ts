import type { Cloud } from '../../cloud.ts';
import type { Timer } from '../../kernel/kernel.ts';
import type { Container } from '../definition/machine.ts';
import { type ExecutionKeeper, processorOf } from '../kept-executions.ts';
import { MapRuns } from '../map/map-run.ts';
import { executionArn, expressExecutionArn, splitStateMachineArn } from '../names.ts';
import { announceStatus } from '../status-events.ts';
import { at } from './alarm.ts';
import {
  type ChildExecution,
  Execution,
  type ExecutionRecord,
  type ExecutionStatus,
  type Surroundings,
} from './execution.ts';
import { newFrame, redriven, Strand } from './frame.ts';
import { errorAndCause, History, HistoryFull, input, output } from './history.ts';
import { runStrand } from './run-strand.ts';
import { TaskTokens } from './task-tokens.ts';

/** "Express workflows … maximum execution time of 5 minutes". */
const EXPRESS_MS = 300_000;
/** States that are entered, by all executions together, before everything else gets its turn. */
const BREATH = 200;

export interface Started {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string;
  readonly stateMachineName: string;
  readonly revisionId: string;
  readonly definition: string;
  readonly roleArn: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly input: string;
  readonly traceHeader?: string | undefined;
  readonly mapRunArn?: string;
  readonly mapState?: string;
  readonly itemCount?: number;
  readonly timeoutSeconds?: number | undefined;
}

/** Runs executions and remembers them. */
export class Executions implements Surroundings {
  readonly cloud: Cloud;
  readonly tokens: TaskTokens;
  readonly mapRuns = new MapRuns();
  readonly #records = new Map<string, ExecutionRecord>();
  readonly #byMachine = new Map<string, ExecutionRecord[]>();
  keeper: ExecutionKeeper | undefined;
  readonly #compile: (definition: string, type: 'STANDARD' | 'EXPRESS') => Container;
  /** What has states to go on with: kept for as long as the record, a redrive needs them. */
  readonly #containers = new Map<string, Container>();
  readonly #live = new Map<string, { readonly execution: Execution; readonly timer: Timer | undefined }>();
  readonly #waiting = new Map<string, (() => void)[]>();
  #steps = 0;
  #breath: Promise<void> | undefined;

  constructor(cloud: Cloud, compile: (definition: string, type: 'STANDARD' | 'EXPRESS') => Container) {
    this.cloud = cloud;
    this.#compile = compile;
    this.tokens = new TaskTokens(cloud.kernel, (token, answer) => this.keeper?.answered(token, answer));
  }

  all(): Iterable<ExecutionRecord> {
    return this.#records.values();
  }

  /** Puts a record back that was written down; `takeUp` goes on with it. */
  restore(record: ExecutionRecord): void {
    this.#records.set(record.arn, record);
    this.#index(record.mapRunArn ?? record.stateMachineArn, record);
  }

  /** Goes on with every execution that was running. */
  takeUp(): void {
    for (const record of this.#records.values()) {
      if (record.status !== 'RUNNING' || this.#live.has(record.arn)) continue;
      try {
        this.#run(this.#execution(record, this.#containerOf(record)));
      } catch (error) {
        // A definition that an earlier version of the runtime took, and this one does not.
        Object.assign(record, { status: 'FAILED', error: 'States.Runtime', cause: (error as Error).message });
        record.stopDate = this.cloud.kernel.clock.now();
        this.keeper?.recordChanged(record);
      }
    }
  }

  #containerOf(record: ExecutionRecord): Container {
    let container = this.#containers.get(record.arn);
    if (container === undefined) {
      const parentType = record.mapState === undefined ? record.type : 'STANDARD'; // only these have distributed Maps
      const machine = this.#compile(record.definition, parentType);
      container = record.mapState === undefined ? machine : processorOf(machine, record.mapState)!;
      this.#containers.set(record.arn, container);
    }
    return container;
  }

  pause(): Promise<void> | undefined {
    if (this.#breath === undefined && ++this.#steps >= BREATH) {
      this.#breath = this.cloud.kernel.scheduler.sleep(0).then(() => {
        this.#steps = 0;
        this.#breath = undefined;
      });
    }
    return this.#breath;
  }

  get(arn: string): ExecutionRecord | undefined {
    return this.#records.get(arn);
  }

  recordOf(arn: string): ExecutionRecord {
    return this.#records.get(arn)!;
  }

  statusOf(arn: string): ExecutionStatus {
    return this.#records.get(arn)?.status ?? 'ABORTED';
  }

  /** By state machine or Map Run, the latest first. */
  of(arn: string): readonly ExecutionRecord[] {
    return [...(this.#byMachine.get(arn) ?? [])].reverse();
  }

  start(started: Started, container: Container, value: unknown): ExecutionRecord {
    const now = this.cloud.kernel.clock.now();
    const record: ExecutionRecord = {
      arn: started.arn,
      name: started.name,
      stateMachineArn: started.stateMachineArn,
      stateMachineName: started.stateMachineName,
      revisionId: started.revisionId,
      definition: started.definition,
      roleArn: started.roleArn,
      type: started.type,
      input: started.input,
      traceHeader: started.traceHeader,
      mapRunArn: started.mapRunArn,
      mapState: started.mapState,
      itemCount: started.itemCount,
      startDate: now,
      history: [],
      root: newFrame(container, value, started.input, 0),
      status: 'RUNNING',
      stopDate: undefined,
      output: undefined,
      error: undefined,
      cause: undefined,
      redriveCount: 0,
      redriveDate: undefined,
      deadline: deadlineOf(started, now),
    };
    this.#records.set(record.arn, record);
    this.#containers.set(record.arn, container);
    this.#index(record.mapRunArn ?? record.stateMachineArn, record);
    const execution = this.#execution(record, container);
    execution.history.add('ExecutionStarted', 0, 'executionStarted', {
      ...input(record.input),
      roleArn: record.roleArn,
    });
    this.#keep(record);
    announceStatus(this.cloud, record);
    if (this.keeper?.held !== true) this.#run(execution);
    return record;
  }

  /** Writes the whole execution down. */
  #keep(record: ExecutionRecord): void {
    if (this.keeper === undefined) return;
    this.keeper.recordChanged(record);
    this.keeper.touched(record, new Strand(record.root, this.#containerOf(record)), true);
  }

  #index(by: string, record: ExecutionRecord): void {
    const list = this.#byMachine.get(by);
    if (list === undefined) this.#byMachine.set(by, [record]);
    else list.push(record);
  }

  startChild(child: ChildExecution): ExecutionRecord {
    const { parent, label, type } = child;
    const { random } = this.cloud.kernel;
    const labelled = `${splitStateMachineArn(parent.stateMachineArn).name}/${label}`;
    const name = random.uuid();
    const arn =
      type === 'STANDARD'
        ? executionArn(this.cloud.account, labelled, name)
        : expressExecutionArn(this.cloud.account, labelled, name, random.uuid());
    const started: Started = {
      arn,
      name,
      stateMachineArn: `${parent.stateMachineArn}/${label}`,
      stateMachineName: labelled,
      revisionId: parent.revisionId,
      definition: parent.definition,
      roleArn: parent.roleArn,
      type,
      input: child.inputText,
      mapRunArn: child.mapRunArn,
      mapState: child.mapState,
      itemCount: child.itemCount,
    };
    return this.start(started, child.container, child.input);
  }

  redriveChild(arn: string): ExecutionRecord {
    this.redrive(arn);
    return this.recordOf(arn);
  }

  stopChild(arn: string): void {
    this.stop(arn, undefined, undefined);
  }

  /** Goes on from the states that failed; "redriveCount" grows by one. */
  redrive(arn: string): void {
    const record = this.recordOf(arn);
    const now = this.cloud.kernel.clock.now();
    record.redriveCount++;
    record.redriveDate = now;
    record.status = 'RUNNING';
    record.stopDate = undefined;
    record.error = undefined;
    record.cause = undefined;
    // "When you redrive an execution, the timeout of the state machine … starts anew."
    if (record.deadline !== undefined) record.deadline = now + (record.deadline - record.startDate);
    record.root = redriven(record.root);
    const execution = this.#execution(record, this.#containerOf(record));
    execution.history.end('ExecutionRedriven', 0, 'executionRedriven', { redriveCount: record.redriveCount });
    this.#keep(record);
    announceStatus(this.cloud, record);
    this.#run(execution);
  }

  stop(arn: string, error: string | undefined, cause: string | undefined): void {
    const live = this.#live.get(arn);
    if (live === undefined) return;
    live.execution.history.end('ExecutionAborted', 0, 'executionAborted', errorAndCause(error, cause));
    this.#end(live.execution, 'ABORTED', { error, cause });
  }

  ended(arn: string): Promise<void> {
    if (!this.#live.has(arn)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(arn);
      if (waiting === undefined) this.#waiting.set(arn, [resolve]);
      else waiting.push(resolve);
    });
  }

  isRunning(arn: string): boolean {
    return this.#live.has(arn);
  }

  /** A closed execution whose name may be used again. */
  forget(arn: string): void {
    const record = this.#records.get(arn);
    if (record === undefined) return;
    this.#records.delete(arn);
    this.keeper?.forgotten(arn);
    this.#containers.delete(arn);
    const by = record.mapRunArn ?? record.stateMachineArn;
    this.#byMachine.set(
      by,
      (this.#byMachine.get(by) ?? []).filter((other) => other !== record),
    );
  }

  #execution(record: ExecutionRecord, container: Container): Execution {
    const history = new History(this.cloud.kernel.clock, record.type === 'STANDARD', record.history);
    return new Execution(record, container, history, this);
  }

  #run(execution: Execution): void {
    const { record } = execution;
    const { arn, deadline } = record;
    const timer = deadline === undefined ? undefined : at(this.cloud.kernel, deadline, () => this.#timeOut(execution));
    this.#live.set(arn, { execution, timer });
    this.cloud.trace.note('states', 'ExecutionStarted', { execution: arn, stateMachine: record.stateMachineArn });
    void this.#drive(execution);
  }

  async #drive(execution: Execution): Promise<void> {
    const { record, container, scope, history } = execution;
    const { root } = record;
    // StartExecution answers before the first state is entered.
    await Promise.resolve();
    try {
      await runStrand(execution, new Strand(root, container), scope);
    } catch (error) {
      if (scope.reason !== undefined) return;
      const cause =
        error instanceof HistoryFull
          ? 'The execution reached the maximum number of history events (25000).'
          : String((error as Error).stack ?? error);
      root.status = 'failed';
      root.error = { error: 'States.Runtime', cause };
    }
    if (scope.reason !== undefined) return;
    if (root.status === 'succeeded') {
      const text = JSON.stringify(root.output);
      history.end('ExecutionSucceeded', root.lastEvent, 'executionSucceeded', output(text));
      this.#end(execution, 'SUCCEEDED', { output: text });
      return;
    }
    const { error, cause } = root.error ?? { error: undefined, cause: undefined };
    history.end('ExecutionFailed', root.lastEvent, 'executionFailed', errorAndCause(error, cause));
    this.#end(execution, 'FAILED', { error, cause });
  }

  /** "TIMED_OUT": no error and no cause are described; the event names States.Timeout. */
  #timeOut(execution: Execution): void {
    execution.history.end('ExecutionTimedOut', 0, 'executionTimedOut', { error: 'States.Timeout' });
    this.#end(execution, 'TIMED_OUT', {});
  }

  #end(
    { record, scope, history }: Execution,
    status: ExecutionStatus,
    result: { readonly output?: string; readonly error?: string | undefined; readonly cause?: string | undefined },
  ): void {
    const { arn } = record;
    history.close();
    record.status = status;
    record.stopDate = this.cloud.kernel.clock.now();
    record.output = result.output;
    record.error = result.error;
    record.cause = result.cause;
    this.keeper?.recordChanged(record);
    this.#live.get(arn)?.timer?.cancel();
    this.#live.delete(arn);
    scope.cancel('executionEnded');
    this.cloud.trace.note('states', 'ExecutionEnded', { execution: arn, status });
    announceStatus(this.cloud, record);
    const waiting = this.#waiting.get(arn) ?? [];
    this.#waiting.delete(arn);
    for (const resolve of waiting) resolve();
  }
}

function deadlineOf({ type, timeoutSeconds }: Started, now: number): number | undefined {
  const own = timeoutSeconds === undefined ? undefined : now + timeoutSeconds * 1000;
  if (type === 'STANDARD') return own;
  return Math.min(own ?? Number.POSITIVE_INFINITY, now + EXPRESS_MS);
}
