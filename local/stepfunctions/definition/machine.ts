import type { Template } from '../expression/template.ts';
import type { TaskTarget } from '../integration/integration.ts';

/** A state machine as it is interpreted: checked, with every expression compiled. */
export interface Machine extends Container {
  readonly timeoutSeconds: number | undefined;
}

/** States with a start: a machine, a branch, or an item processor. */
export interface Container {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

export type Assignments = readonly (readonly [variable: string, template: Template])[];

interface Named {
  readonly name: string;
  /** The next state; undefined when the state ends its container. */
  readonly next: string | undefined;
  readonly output: Template | undefined;
  readonly assign: Assignments;
}

interface Fallible {
  readonly retry: readonly Retrier[];
  readonly catch: readonly Catcher[];
}

export interface Retrier {
  readonly errorEquals: readonly string[];
  readonly intervalSeconds: number;
  readonly maxAttempts: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number | undefined;
  readonly jitter: 'FULL' | 'NONE';
}

export interface Catcher {
  readonly errorEquals: readonly string[];
  readonly next: string;
  readonly output: Template | undefined;
  readonly assign: Assignments;
}

export interface PassState extends Named {
  readonly type: 'Pass';
}

export interface SucceedState extends Named {
  readonly type: 'Succeed';
}

export interface FailState extends Named {
  readonly type: 'Fail';
  readonly error: Template | undefined;
  readonly cause: Template | undefined;
}

export interface WaitState extends Named {
  readonly type: 'Wait';
  readonly seconds: Template | undefined;
  readonly timestamp: Template | undefined;
}

export interface ChoiceRule {
  readonly condition: Template;
  readonly next: string;
  readonly output: Template | undefined;
  readonly assign: Assignments;
}

export interface ChoiceState extends Named {
  readonly type: 'Choice';
  readonly choices: readonly ChoiceRule[];
  readonly default: string | undefined;
}

export interface TaskState extends Named, Fallible {
  readonly type: 'Task';
  readonly target: TaskTarget;
  readonly arguments: Template | undefined;
  readonly roleArn: Template | undefined;
  readonly timeoutSeconds: Template | undefined;
  readonly heartbeatSeconds: Template | undefined;
}

export interface ParallelState extends Named, Fallible {
  readonly type: 'Parallel';
  readonly branches: readonly Container[];
  readonly arguments: Template | undefined;
}

export interface MapState extends Named, Fallible {
  readonly type: 'Map';
  readonly processor: Container;
  readonly items: Template | undefined;
  readonly itemSelector: Template | undefined;
  readonly maxConcurrency: Template | undefined;
  /** Only for a distributed Map. */
  readonly distributed: DistributedMap | undefined;
}

export interface DistributedMap {
  readonly executionType: 'STANDARD' | 'EXPRESS';
  readonly label: string | undefined;
  readonly reader: ItemReader | undefined;
  readonly batcher: ItemBatcher | undefined;
  readonly writer: ResultWriter | undefined;
  readonly toleratedFailureCount: Template | undefined;
  readonly toleratedFailurePercentage: Template | undefined;
}

export type InputType = 'CSV' | 'JSON' | 'JSONL' | 'PARQUET' | 'MANIFEST';

export interface ItemReader {
  readonly resource: 'getObject' | 'listObjectsV2';
  readonly arguments: Template;
  readonly inputType: InputType | undefined;
  readonly manifestType: 'ATHENA_DATA' | 'S3_INVENTORY' | undefined;
  /** Load the listed objects and read the items in them. */
  readonly flatten: boolean;
  readonly csvHeaderLocation: 'FIRST_ROW' | 'GIVEN' | undefined;
  readonly csvHeaders: readonly string[] | undefined;
  readonly csvDelimiter: string;
  readonly itemsPointer: string | undefined;
  readonly maxItems: Template | undefined;
}

export interface ItemBatcher {
  readonly maxItems: Template | undefined;
  readonly maxBytes: Template | undefined;
  readonly batchInput: Template | undefined;
}

export interface ResultWriter {
  /** Bucket and Prefix; undefined when the results are only transformed, not exported. */
  readonly arguments: Template | undefined;
  readonly transformation: 'NONE' | 'COMPACT' | 'FLATTEN';
  readonly outputType: 'JSON' | 'JSONL';
}

export type State =
  | PassState
  | SucceedState
  | FailState
  | WaitState
  | ChoiceState
  | TaskState
  | ParallelState
  | MapState;
