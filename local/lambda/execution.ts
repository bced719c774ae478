/** One invocation, ready to run. */
export interface ExecutionRequest {
  readonly requestId: string;
  /** JSON text. */
  readonly event: string;
  readonly timeoutMs: number;
  /** The data of the handler's second argument; the environment adds the functions. */
  readonly context: ExecutionContext;
}

export interface ExecutionContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  readonly clientContext?: unknown;
}

/** What a handler gave, in the words of the Invoke response. */
export interface ExecutionResult {
  /** JSON text. */
  readonly payload: string;
  readonly failed: boolean;
}

export interface LogLine {
  readonly level: string;
  readonly text: string;
}

/** The answer to an invocation that ran longer than the function's timeout. */
export function timedOut(requestId: string, timeoutMs: number): ExecutionResult {
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
  return { failed: true, payload: JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage }) };
}

/** The answer when the runtime went away in the middle of an invocation. */
export function exited(requestId: string, code: number): ExecutionResult {
  const reason =
    code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
  return runtimeExit(requestId, reason);
}

/** The answer when the environment used more memory than the function has. */
export function outOfMemory(requestId: string): ExecutionResult {
  return runtimeExit(requestId, 'Runtime exited with error: signal: killed');
}

function runtimeExit(requestId: string, reason: string): ExecutionResult {
  const errorMessage = `RequestId: ${requestId} Error: ${reason}`;
  return { failed: true, payload: JSON.stringify({ errorType: 'Runtime.ExitError', errorMessage }) };
}

/** An error as the Node.js runtime reports it. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}
