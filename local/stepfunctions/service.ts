import { type Caller, type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import { describeMapRun, listedMapRun } from './api/answers.ts';
import { ExecutionOperations } from './api/executions.ts';
import { checkParameters, compact, page } from './api/request.ts';
import { StateMachines } from './api/state-machines.ts';
import { createExpressionCompiler } from './expression/compile.ts';
import { exceedsBytes, PAYLOAD_LIMIT } from './failure.ts';
import { Executions } from './interpreter/executions.ts';
import { keepExecutions } from './kept-executions.ts';

export interface StepFunctionsOptions {
  /** Where everything is kept. Default: nowhere. */
  readonly journal?: Journal;
}

const CHANGES_MACHINE = /^((Create|Update|Delete)StateMachine|TagResource|UntagResource)$/;

type Operation = (input: Json, caller: Caller) => Promise<Json> | Json;

/**
 * Step Functions: an interpreter of the Amazon States Language in JSONata mode, and the service around it. Registers
 * itself as `states`.
 */
export function createStepFunctions(cloud: Cloud, options: StepFunctionsOptions = {}): Service {
  const machines = new StateMachines(cloud, createExpressionCompiler(cloud.kernel));
  const executions = new Executions(cloud, (definition, type) => machines.compile(definition, type));
  const keeper =
    options.journal &&
    keepExecutions(options.journal, machines, executions, (arn) => {
      removeWhenEnded(arn, machines, executions);
    });
  executions.keeper = keeper;
  const operations = operationsOf(cloud, machines, executions);
  const service: Service = {
    name: 'states',
    handle(operation, input, caller) {
      const run = operations[operation];
      if (run === undefined) {
        throw new ServiceError('UnknownOperationException', `Step Functions here has no operation '${operation}'`);
      }
      const answer = run(input ?? {}, caller);
      if (keeper !== undefined && CHANGES_MACHINE.test(operation)) {
        keeper.machineChanged(input.stateMachineArn ?? input.resourceArn ?? (answer as Json).stateMachineArn);
      }
      return answer;
    },
  };
  cloud.register(service);
  return service;
}

function operationsOf(
  cloud: Cloud,
  machines: StateMachines,
  executions: Executions,
): Readonly<Record<string, Operation>> {
  const running = new ExecutionOperations(cloud, machines, executions);
  return {
    CreateStateMachine: (input) => machines.create(input),
    UpdateStateMachine: (input) => machines.update(input),
    DescribeStateMachine: (input) => machines.describe(input),
    ListStateMachines: (input) => machines.list(input),
    ValidateStateMachineDefinition: (input) => machines.validate(input),
    TagResource: (input) => machines.tag(input),
    UntagResource: (input) => machines.untag(input),
    ListTagsForResource: (input) => machines.listTags(input),
    DeleteStateMachine: (input) => deleteStateMachine(input, machines, executions),
    StartExecution: (input) => running.start(input),
    StartSyncExecution: (input) => running.startSync(input),
    DescribeExecution: (input) => running.describe(input),
    DescribeStateMachineForExecution: (input) => running.describeStateMachine(input),
    ListExecutions: (input) => running.list(input),
    GetExecutionHistory: (input) => running.history(input),
    StopExecution: (input) => running.stop(input),
    RedriveExecution: (input) => running.redrive(input),
    ListMapRuns(input) {
      checkParameters(input, ['executionArn'], ['maxResults', 'nextToken']);
      const { items, nextToken } = page(executions.mapRuns.of(input.executionArn), input);
      return compact({ mapRuns: items.map(listedMapRun), nextToken });
    },
    DescribeMapRun(input) {
      checkParameters(input, ['mapRunArn']);
      const run = executions.mapRuns.get(input.mapRunArn);
      if (run === undefined) throw new ServiceError('ResourceNotFound', `Resource not found: '${input.mapRunArn}'`);
      return describeMapRun(run);
    },
    SendTaskSuccess: (input) => sendTaskSuccess(input, executions),
    SendTaskFailure(input) {
      checkParameters(input, ['taskToken'], ['error', 'cause']);
      checkToken(input.taskToken, executions);
      executions.tokens.fail(input.taskToken, input.error, input.cause);
      return {};
    },
    SendTaskHeartbeat(input) {
      checkParameters(input, ['taskToken']);
      checkToken(input.taskToken, executions);
      executions.tokens.heartbeat(input.taskToken);
      return {};
    },
  };
}

function removeWhenEnded(arn: string, machines: StateMachines, executions: Executions): void {
  const running = executions.of(arn).filter(({ status }) => status === 'RUNNING');
  const remove = () => {
    machines.remove(arn);
    executions.keeper?.machineChanged(arn);
  };
  if (running.length === 0) remove();
  else void Promise.all(running.map((execution) => executions.ended(execution.arn))).then(remove);
}

/** "DeleteStateMachine is an asynchronous operation": the machine is DELETING while executions of it run. */
function deleteStateMachine(input: Json, machines: StateMachines, executions: Executions): Json {
  checkParameters(input, ['stateMachineArn']);
  const record = machines.markDeleting(input.stateMachineArn);
  if (record === undefined) return {};
  removeWhenEnded(record.arn, machines, executions);
  return {};
}

function sendTaskSuccess(input: Json, executions: Executions): Json {
  checkParameters(input, ['taskToken', 'output']);
  let output: Json;
  try {
    output = JSON.parse(input.output);
  } catch (error) {
    throw new ServiceError('InvalidOutput', `Invalid Output: '${(error as Error).message}'`);
  }
  if (exceedsBytes(input.output, PAYLOAD_LIMIT)) {
    throw new ServiceError('InvalidOutput', `Invalid Output: 'The output exceeds ${PAYLOAD_LIMIT} bytes'`);
  }
  checkToken(input.taskToken, executions);
  executions.tokens.succeed(input.taskToken, output);
  return {};
}

function checkToken(token: string, executions: Executions): void {
  const state = executions.tokens.state(token);
  if (state === 'unknown') throw new ServiceError('InvalidToken', "Invalid Token: 'Invalid token'");
  if (state === 'over')
    throw new ServiceError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
}
