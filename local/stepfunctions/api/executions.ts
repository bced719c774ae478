import { type Cloud, type Json, ServiceError } from '../../cloud.ts';
import { exceedsBytes, PAYLOAD_LIMIT } from '../failure.ts';
import type { ExecutionRecord } from '../interpreter/execution.ts';
import type { Executions } from '../interpreter/executions.ts';
import { checkArn, checkName, executionArn, expressExecutionArn, splitStateMachineArn } from '../names.ts';
import { describeExecution, listedExecution, syncResult } from './answers.ts';
import { checkParameters, compact, page, seconds } from './request.ts';
import type { StateMachineRecord, StateMachines } from './state-machines.ts';

/** "you can reuse the name … after 90 days", and "redrive … within 14 days" of the end. */
const DAY_MS = 86_400_000;
const NAME_REUSE_MS = 90 * DAY_MS;
const REDRIVE_MS = 14 * DAY_MS;

export class ExecutionOperations {
  readonly #cloud: Cloud;
  readonly #machines: StateMachines;
  readonly #executions: Executions;

  constructor(cloud: Cloud, machines: StateMachines, executions: Executions) {
    this.#cloud = cloud;
    this.#machines = machines;
    this.#executions = executions;
  }

  start(input: Json): Json {
    checkParameters(input, ['stateMachineArn'], ['name', 'input', 'traceHeader']);
    const machine = this.#startable(input.stateMachineArn);
    const record =
      machine.type === 'STANDARD' ? this.#startStandard(machine, input) : this.#startExpress(machine, input);
    return { executionArn: record.arn, startDate: seconds(record.startDate) };
  }

  /**
   * "If StartExecution is called with the same name and input as a running execution, the call succeeds and returns the
   * same response as the original request. If the execution is closed or if the input is different, it returns a 400
   * ExecutionAlreadyExists error. You can reuse names after 90 days."
   */
  #startStandard(machine: StateMachineRecord, input: Json): ExecutionRecord {
    const name = input.name ?? this.#cloud.kernel.random.uuid();
    const text = input.input ?? '{}';
    checkName(name);
    const value = parseInput(text);
    const arn = executionArn(this.#cloud.account, machine.name, name);
    const before = this.#executions.get(arn);
    if (before !== undefined) {
      if (before.status === 'RUNNING' && before.input === text) return before;
      const free = before.stopDate !== undefined && before.stopDate + NAME_REUSE_MS <= this.#cloud.kernel.clock.now();
      if (!free) throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
      this.#executions.forget(arn);
    }
    return this.#begin(machine, input, arn, name, text, value);
  }

  /** "an Express execution's name is not unique": each start is one of its own. */
  #startExpress(machine: StateMachineRecord, input: Json): ExecutionRecord {
    const { random } = this.#cloud.kernel;
    const name = input.name ?? random.uuid();
    const text = input.input ?? '{}';
    checkName(name);
    const value = parseInput(text);
    const arn = expressExecutionArn(this.#cloud.account, machine.name, name, random.uuid());
    return this.#begin(machine, input, arn, name, text, value);
  }

  #begin(
    { machine, ...record }: StateMachineRecord,
    { traceHeader }: Json,
    arn: string,
    name: string,
    text: string,
    value: Json,
  ): ExecutionRecord {
    const started = {
      arn,
      name,
      stateMachineArn: record.arn,
      stateMachineName: record.name,
      revisionId: record.revisionId,
      definition: record.definition,
      roleArn: record.roleArn,
      type: record.type,
      input: text,
      traceHeader,
      timeoutSeconds: machine.timeoutSeconds,
    };
    return this.#executions.start(started, machine, value);
  }

  async startSync(input: Json): Promise<Json> {
    checkParameters(input, ['stateMachineArn'], ['name', 'input', 'traceHeader', 'includedData']);
    const machine = this.#startable(input.stateMachineArn);
    if (machine.type !== 'EXPRESS') throw unsupportedType();
    const record = this.#startExpress(machine, input);
    await this.#executions.ended(record.arn);
    this.#executions.forget(record.arn);
    return syncResult(record);
  }

  describe(input: Json): Json {
    checkParameters(input, ['executionArn'], ['includedData']);
    const record = this.#get(input.executionArn);
    const { status, reason } = this.#redriveStatus(record);
    return {
      ...describeExecution(record),
      redriveStatus: status,
      ...(reason === undefined ? {} : { redriveStatusReason: reason }),
    };
  }

  describeStateMachine(input: Json): Json {
    checkParameters(input, ['executionArn'], ['includedData']);
    const record = this.#get(input.executionArn);
    const [stateMachineArn, label] = record.stateMachineArn.split('/') as [string, string | undefined];
    const machine = this.#machines.find(stateMachineArn);
    return compact({
      stateMachineArn,
      name: splitStateMachineArn(stateMachineArn).name,
      definition: record.definition,
      roleArn: record.roleArn,
      updateDate: seconds(machine?.updateDate ?? record.startDate),
      loggingConfiguration: machine?.loggingConfiguration,
      tracingConfiguration: machine?.tracingConfiguration,
      encryptionConfiguration: machine?.encryptionConfiguration,
      mapRunArn: record.mapRunArn,
      label,
      revisionId: record.revisionId,
    });
  }

  list(input: Json): Json {
    checkParameters(
      input,
      [],
      ['stateMachineArn', 'mapRunArn', 'statusFilter', 'redriveFilter', 'maxResults', 'nextToken'],
    );
    const { stateMachineArn, mapRunArn, statusFilter, redriveFilter } = input;
    if ((stateMachineArn === undefined) === (mapRunArn === undefined)) {
      throw new ServiceError('ValidationException', 'Must provide either a state machine ARN or a map run ARN');
    }
    if (stateMachineArn !== undefined && this.#machines.get(stateMachineArn).type === 'EXPRESS')
      throw unsupportedType();
    if (mapRunArn !== undefined && this.#executions.mapRuns.get(mapRunArn) === undefined) {
      throw new ServiceError('ResourceNotFound', `Resource not found: '${mapRunArn}'`);
    }
    const all = this.#executions
      .of(stateMachineArn ?? mapRunArn)
      .filter(
        ({ status, redriveCount }) =>
          (statusFilter === undefined || status === statusFilter) &&
          (redriveFilter === undefined || redriveCount > 0 === (redriveFilter === 'REDRIVEN')),
      );
    const { items, nextToken } = page(all, input);
    return compact({ executions: items.map(listedExecution), nextToken });
  }

  history(input: Json): Json {
    checkParameters(input, ['executionArn'], ['maxResults', 'nextToken', 'reverseOrder', 'includeExecutionData']);
    const { history } = this.#get(input.executionArn, 'express');
    const ordered = input.reverseOrder === true ? [...history].reverse() : history;
    const { items, nextToken } = page(ordered, input);
    const events = items.map((event) => {
      const shown = { ...event, timestamp: seconds(event.timestamp) };
      return input.includeExecutionData === false ? withoutData(shown) : shown;
    });
    return compact({ events, nextToken });
  }

  stop(input: Json): Json {
    checkParameters(input, ['executionArn'], ['error', 'cause']);
    const record = this.#get(input.executionArn, 'express');
    this.#executions.stop(record.arn, input.error, input.cause);
    return { stopDate: seconds(record.stopDate!) };
  }

  redrive(input: Json): Json {
    checkParameters(input, ['executionArn'], ['clientToken']);
    const record = this.#get(input.executionArn, 'express');
    const { status, reason } = this.#redriveStatus(record);
    if (status !== 'REDRIVABLE') {
      throw new ServiceError('ExecutionNotRedrivable', `Execution Not Redrivable: '${reason ?? status}'`);
    }
    this.#executions.redrive(record.arn);
    return { redriveDate: seconds(record.redriveDate!) };
  }

  #redriveStatus(record: ExecutionRecord): { readonly status: string; readonly reason?: string } {
    const { status, stopDate = 0, history, type, mapRunArn } = record;
    const no = (reason: string) => ({ status: 'NOT_REDRIVABLE', reason });
    if (status === 'RUNNING' || status === 'SUCCEEDED') return no(`Execution is ${status} and cannot be redriven`);
    if (mapRunArn !== undefined)
      return { status: 'REDRIVABLE_BY_MAP_RUN', reason: 'Execution is redrivable by its Map Run' };
    if (type === 'EXPRESS') return no('Express workflows cannot be redriven');
    if (stopDate + REDRIVE_MS < this.#cloud.kernel.clock.now()) return no("Execution's redrivable period exceeded");
    if (history.length >= 24_999) return no('Execution history event limit exceeded');
    return { status: 'REDRIVABLE' };
  }

  #startable(arn: string): StateMachineRecord {
    const machine = this.#machines.get(arn);
    if (machine.status === 'ACTIVE') return machine;
    throw new ServiceError('StateMachineDeleting', `State Machine Deleting: '${arn}'`);
  }

  /** Express executions are answered for only when a Map Run dispatched them, and some operations for none of them. */
  #get(arn: unknown, refused?: 'express'): ExecutionRecord {
    checkArn(arn, 'states:[^:]*:[^:]*:(execution|express):');
    const record = this.#executions.get(arn);
    if (arn.includes(':express:') && (refused === 'express' || record?.mapRunArn === undefined))
      throw unsupportedType();
    if (record !== undefined) return record;
    throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }
}

function unsupportedType(): ServiceError {
  return new ServiceError(
    'StateMachineTypeNotSupported',
    'This operation is not supported by this type of state machine',
  );
}

function parseInput(text: Json): Json {
  if (typeof text === 'string' && exceedsBytes(text, PAYLOAD_LIMIT)) {
    throw new ServiceError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: 'The input exceeds ${PAYLOAD_LIMIT} bytes'`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServiceError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${(error as Error).message}'`,
    );
  }
}

const DATA = ['input', 'inputDetails', 'output', 'outputDetails'];

/** Without inputs and outputs; everything else of the details stays. */
function withoutData(event: Json): Json {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      name.endsWith('EventDetails')
        ? Object.fromEntries(Object.entries(value as object).filter(([member]) => !DATA.includes(member)))
        : value,
    ]),
  );
}
