import { type Cloud, type Json, ServiceError } from '../../cloud.ts';
import { describeDiagnostics } from '../definition/diagnostics.ts';
import type { Machine } from '../definition/machine.ts';
import { readDefinition } from '../definition/read-definition.ts';
import type { ExpressionCompiler } from '../expression/compile.ts';
import { checkArn, checkName, stateMachineArn } from '../names.ts';
import { checkParameters, compact, page, seconds } from './request.ts';

export interface StateMachineRecord {
  readonly arn: string;
  readonly name: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly creationDate: number;
  updateDate: number;
  definition: string;
  roleArn: string;
  revisionId: string;
  status: 'ACTIVE' | 'DELETING';
  loggingConfiguration: Json;
  tracingConfiguration: Json;
  encryptionConfiguration: Json;
  tags: Json[];
  machine: Machine;
}

const CONFIGURATIONS = ['loggingConfiguration', 'tracingConfiguration', 'encryptionConfiguration'];

/** The state machines of an account. */
export class StateMachines {
  readonly #cloud: Cloud;
  readonly #expressions: ExpressionCompiler;
  readonly #machines = new Map<string, StateMachineRecord>();

  constructor(cloud: Cloud, expressions: ExpressionCompiler) {
    this.#cloud = cloud;
    this.#expressions = expressions;
  }

  create(input: Json): Json {
    checkParameters(input, ['name', 'definition', 'roleArn'], ['type', 'tags', 'publish', ...CONFIGURATIONS]);
    refuseVersions(input);
    checkName(input.name);
    checkArn(input.roleArn, 'iam:');
    const type = this.#type(input.type);
    const machine = this.#compile(input.definition, type);
    const arn = stateMachineArn(this.#cloud.account, input.name);
    const existing = this.#machines.get(arn);
    if (existing !== undefined) return this.#createAgain(existing, input, type);
    const record: StateMachineRecord = {
      arn,
      name: input.name,
      type,
      creationDate: this.#cloud.kernel.clock.now(),
      updateDate: this.#cloud.kernel.clock.now(),
      definition: input.definition,
      roleArn: input.roleArn,
      revisionId: this.#cloud.kernel.random.uuid(),
      status: 'ACTIVE',
      loggingConfiguration: input.loggingConfiguration ?? { level: 'OFF', includeExecutionData: false },
      tracingConfiguration: input.tracingConfiguration ?? { enabled: false },
      encryptionConfiguration: input.encryptionConfiguration,
      tags: input.tags ?? [],
      machine,
    };
    this.#machines.set(arn, record);
    return { stateMachineArn: arn, creationDate: seconds(record.creationDate) };
  }

  /** "CreateStateMachine is an idempotent API": the same again answers as the first time. */
  #createAgain(existing: StateMachineRecord, input: Json, type: string): Json {
    const { arn, creationDate, definition, roleArn } = existing;
    if (existing.status === 'DELETING') {
      throw new ServiceError('StateMachineDeleting', `State Machine Deleting: '${arn}'`);
    }
    if (definition !== input.definition || roleArn !== input.roleArn || existing.type !== type) {
      throw new ServiceError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
    }
    return { stateMachineArn: arn, creationDate: seconds(creationDate) };
  }

  update(input: Json): Json {
    checkParameters(input, ['stateMachineArn'], ['definition', 'roleArn', 'publish', ...CONFIGURATIONS]);
    refuseVersions(input);
    const record = this.get(input.stateMachineArn);
    const changes = ['definition', 'roleArn', ...CONFIGURATIONS].filter((name) => input[name] !== undefined);
    if (changes.length === 0) {
      throw new ServiceError(
        'MissingRequiredParameter',
        'Either the definition, the role ARN, the LoggingConfiguration, the EncryptionConfiguration or the TracingConfiguration must be specified',
      );
    }
    if (input.roleArn !== undefined) checkArn(input.roleArn, 'iam:');
    // Executions that run keep the definition that they were started with.
    if (input.definition !== undefined) record.machine = this.#compile(input.definition, record.type);
    for (const name of changes) Object.assign(record, { [name]: input[name] });
    record.revisionId = this.#cloud.kernel.random.uuid();
    record.updateDate = this.#cloud.kernel.clock.now();
    return { updateDate: seconds(record.updateDate), revisionId: record.revisionId };
  }

  describe(input: Json): Json {
    checkParameters(input, ['stateMachineArn'], ['includedData']);
    return describeMachine(this.get(input.stateMachineArn));
  }

  list(input: Json): Json {
    checkParameters(input, [], ['maxResults', 'nextToken']);
    const { items, nextToken } = page([...this.#machines.values()], input);
    return compact({
      stateMachines: items.map(({ arn, name, type, creationDate }) => ({
        stateMachineArn: arn,
        name,
        type,
        creationDate: seconds(creationDate),
      })),
      nextToken,
    });
  }

  all(): Iterable<StateMachineRecord> {
    return this.#machines.values();
  }

  /** Puts a state machine back that was written down. */
  restore(kept: Omit<StateMachineRecord, 'machine'>): void {
    const record = { ...kept, machine: this.#compile(kept.definition, kept.type) };
    this.#machines.set(kept.arn, record);
  }

  compile(definition: string, type: 'STANDARD' | 'EXPRESS'): Machine {
    return this.#compile(definition, type);
  }

  /** "the state machine is deleted when its executions have ended": until then it is DELETING. */
  markDeleting(arn: string): StateMachineRecord | undefined {
    const record = this.#machines.get(arn);
    if (record !== undefined) record.status = 'DELETING';
    return record;
  }

  remove(arn: string): void {
    this.#machines.delete(arn);
  }

  validate(input: Json): Json {
    checkParameters(input, ['definition'], ['type', 'severity', 'maxResults']);
    const read = readDefinition(input.definition, this.#type(input.type), this.#expressions);
    const all = 'diagnostics' in read ? read.diagnostics : [];
    const most = input.maxResults === undefined || input.maxResults === 0 ? 100 : input.maxResults;
    return {
      result: all.length === 0 ? 'OK' : 'FAIL',
      diagnostics: all.slice(0, most),
      truncated: all.length > most,
    };
  }

  tag(input: Json): Json {
    checkParameters(input, ['resourceArn', 'tags']);
    const record = this.#tagged(input.resourceArn);
    const keys = new Set(input.tags.map(({ key }: Json) => key));
    record.tags = [...record.tags.filter(({ key }) => !keys.has(key)), ...input.tags];
    return {};
  }

  untag(input: Json): Json {
    checkParameters(input, ['resourceArn', 'tagKeys']);
    const record = this.#tagged(input.resourceArn);
    record.tags = record.tags.filter(({ key }) => !input.tagKeys.includes(key));
    return {};
  }

  listTags(input: Json): Json {
    checkParameters(input, ['resourceArn']);
    return { tags: this.#tagged(input.resourceArn).tags };
  }

  find(arn: string): StateMachineRecord | undefined {
    return this.#machines.get(arn);
  }

  get(arn: unknown): StateMachineRecord {
    checkArn(arn, 'states:[^:]*:[^:]*:stateMachine:');
    const record = this.#machines.get(arn);
    if (record !== undefined) return record;
    throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  #tagged(arn: string): StateMachineRecord {
    const record = this.#machines.get(arn);
    if (record !== undefined) return record;
    throw new ServiceError('ResourceNotFound', `Resource not found: '${arn}'`);
  }

  #type(type: Json = 'STANDARD'): 'STANDARD' | 'EXPRESS' {
    if (type === 'STANDARD' || type === 'EXPRESS') return type;
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${type}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]`,
    );
  }

  #compile(definition: string, type: 'STANDARD' | 'EXPRESS'): Machine {
    const read = readDefinition(definition, type, this.#expressions);
    if ('machine' in read) return read.machine;
    throw new ServiceError('InvalidDefinition', describeDiagnostics(read.diagnostics));
  }
}

function refuseVersions({ publish }: Json): void {
  if (publish === true) {
    throw new ServiceError(
      'ValidationException',
      "The parameter 'publish' is not supported: this runtime has no versions of state machines",
    );
  }
}

function describeMachine(record: StateMachineRecord): Json {
  return compact({
    stateMachineArn: record.arn,
    name: record.name,
    status: record.status,
    definition: record.definition,
    roleArn: record.roleArn,
    type: record.type,
    creationDate: seconds(record.creationDate),
    loggingConfiguration: record.loggingConfiguration,
    tracingConfiguration: record.tracingConfiguration,
    encryptionConfiguration: record.encryptionConfiguration,
    revisionId: record.revisionId,
  });
}
