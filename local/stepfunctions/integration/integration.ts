import type { Cloud, Json } from '../../cloud.ts';

/** How a task waits for its work: for the answer, for the job to end, or for a task token to come back. */
export type Pattern = 'request' | 'sync' | 'sync:2' | 'token';

/** What a Task state's Resource stands for. */
export interface TaskTarget {
  /** A function named by its ARN has history events of its own. */
  readonly kind: 'function' | 'integration';
  /** As the history names it: `lambda`, `aws-sdk:dynamodb`; a function's ARN. */
  readonly resourceType: string;
  /** As the history names it: `invoke.waitForTaskToken`. */
  readonly resource: string;
  readonly pattern: Pattern;
  /** The arguments that the call knows; undefined when the service itself judges them. */
  readonly known: readonly string[] | undefined;
  readonly required: readonly string[];
  /** Makes the call. Its answer is the result, or for the other patterns what was submitted. */
  call(task: TaskCall): Promise<Json>;
  /** For `sync`: the result, once what was submitted has ended. */
  complete?(task: TaskCall, submitted: Json): Promise<Json>;
  /** For `sync`: stops what was submitted, when the task is given up. */
  cancel?(task: TaskCall, submitted: Json): Promise<void>;
}

export interface TaskCall {
  readonly cloud: Cloud;
  /** The role that calls. */
  readonly principal: string;
  /** The task's own copy of its arguments. */
  readonly arguments: Json;
  readonly executionArn: string;
  readonly stateMachineArn: string;
  /** Resolves when the execution is not running any more, or does not exist. */
  executionEnded(arn: string): Promise<void>;
  /** Is the task given up, so that waiting has no point? */
  isOver(): boolean;
}

/** The metadata that the optimized integrations show beside an answer. */
export function withSdkMetadata(cloud: Cloud, answer: Json): Json {
  const id = cloud.kernel.random.uuid();
  return {
    ...answer,
    SdkHttpMetadata: {
      AllHttpHeaders: { 'x-amzn-RequestId': [id] },
      HttpHeaders: { 'x-amzn-RequestId': id },
      HttpStatusCode: 200,
    },
    SdkResponseMetadata: { RequestId: id },
  };
}

/** JSON text of a value that may be text already. */
export function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
