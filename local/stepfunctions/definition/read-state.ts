import type { Json } from '../../cloud.ts';
import { findTarget, refusedArguments } from '../integration/targets.ts';
import { STATE_FIELDS, type StateType } from './fields.ts';
import type { Assignments, Catcher, ChoiceRule, Retrier, State, TaskState } from './machine.ts';
import { readMap } from './read-map.ts';
import type { FieldReader } from './reader.ts';
import type { Scope } from './scope.ts';

const TIMES = { min: 1, max: 99_999_999 };

/** A state whose type and language are known already. */
export function readState(name: string, type: StateType, fields: FieldReader, scope: Scope): State {
  fields.only(STATE_FIELDS[type]);
  // "result": "API or sub-workflow's result (if successful)", so of these three and once they are done.
  const done = type === 'Task' || type === 'Parallel' || type === 'Map' ? fields.knowing('result') : fields;
  const named = {
    name,
    next: readNext(type, fields),
    output: done.template('Output'),
    assign: readAssign(done, scope),
  };
  switch (type) {
    case 'Pass':
      return { ...named, type };
    case 'Succeed':
      return { ...named, type };
    case 'Fail':
      return { ...named, type, error: fields.typed('Error', 'string'), cause: fields.typed('Cause', 'string') };
    case 'Wait':
      return { ...named, type, ...readWait(fields) };
    case 'Choice':
      return { ...named, type, choices: readChoices(fields, scope), default: fields.string('Default') };
    case 'Task':
      return { ...named, type, ...readFallible(fields, scope), ...readTask(fields, scope) };
    case 'Parallel':
      return {
        ...named,
        type,
        ...readFallible(fields, scope),
        arguments: fields.template('Arguments'),
        branches: readBranches(fields, scope),
      };
    case 'Map':
      return { ...named, type, ...readFallible(fields, scope), ...readMap(fields, scope) };
  }
}

function readNext(type: StateType, fields: FieldReader): string | undefined {
  if (type === 'Succeed' || type === 'Fail' || type === 'Choice') return undefined;
  const next = fields.string('Next');
  const end = fields.boolean('End');
  if (next !== undefined && end === true) fields.fail("Only one of 'Next' and 'End' may be specified");
  else if (!fields.has('Next') && end !== true) fields.fail("One of these fields is required: ['Next', 'End']");
  return next;
}

/** `Assign`: variable names and what they become. */
function readAssign(fields: FieldReader, scope: Scope): Assignments {
  const template = fields.has('Assign') ? fields.typed('Assign', 'object') : undefined;
  if (template === undefined) return [];
  if (template.kind === 'expression') {
    fields.fail('Expected value of type [OBJECT]', 'Assign');
    return [];
  }
  const reader = fields.nested(fields.source.Assign, 'Assign');
  return Object.keys(reader.source).map((variable) => {
    scope.assigns(variable, reader);
    return [variable, reader.template(variable)!] as const;
  });
}

function readWait(fields: FieldReader): Pick<State & { type: 'Wait' }, 'seconds' | 'timestamp'> {
  if (fields.has('Seconds') === fields.has('Timestamp')) {
    fields.fail("Exactly one of these fields is required: ['Seconds', 'Timestamp']");
  }
  return {
    seconds: fields.count('Seconds', { min: 0, max: 99_999_999 }),
    timestamp: fields.typed('Timestamp', 'string'),
  };
}

function readChoices(fields: FieldReader, scope: Scope): readonly ChoiceRule[] {
  fields.require('Choices');
  const choices = fields.array('Choices') ?? [];
  if (fields.has('Choices') && choices.length === 0) fields.fail('Expected a non-empty array', 'Choices');
  return choices.map((source, i) => {
    const rule = fields.nested(source, `Choices[${i}]`);
    rule.only(['Condition', 'Next', 'Output', 'Assign', 'Comment']);
    rule.require('Condition', 'Next');
    return {
      condition: rule.typed('Condition', 'boolean') ?? { kind: 'literal', value: false, location: 'Condition' },
      next: rule.string('Next') ?? '',
      output: rule.template('Output'),
      assign: readAssign(rule, scope),
    };
  });
}

function readFallible(fields: FieldReader, scope: Scope): { retry: readonly Retrier[]; catch: readonly Catcher[] } {
  return { retry: readRetriers(fields), catch: readCatchers(fields, scope) };
}

/** `ErrorEquals`; "States.ALL must appear alone … and must appear in the last retrier/catcher". */
function readErrorEquals(entry: FieldReader, last: boolean): readonly string[] {
  entry.require('ErrorEquals');
  const names = entry.strings('ErrorEquals') ?? [];
  if (entry.has('ErrorEquals') && names.length === 0) entry.fail('Expected a non-empty array', 'ErrorEquals');
  if (names.includes('States.ALL') && (names.length > 1 || !last)) {
    entry.fail("'States.ALL' must appear alone, and in the last entry only", 'ErrorEquals');
  }
  return names;
}

function readRetriers(fields: FieldReader): readonly Retrier[] {
  const entries = fields.array('Retry') ?? [];
  return entries.map((source, i) => {
    const entry = fields.nested(source, `Retry[${i}]`);
    entry.only([
      'ErrorEquals',
      'IntervalSeconds',
      'MaxAttempts',
      'BackoffRate',
      'MaxDelaySeconds',
      'JitterStrategy',
      'Comment',
    ]);
    const intervalSeconds = entry.number('IntervalSeconds', { ...TIMES, whole: true }) ?? 1;
    // "You must specify a value greater than 0 and less than 31622400."
    const maxDelaySeconds = entry.number('MaxDelaySeconds', { min: 1, max: 31_622_399, whole: true });
    if (maxDelaySeconds !== undefined && maxDelaySeconds <= intervalSeconds) {
      entry.fail('MaxDelaySeconds must be greater than IntervalSeconds', 'MaxDelaySeconds');
    }
    return {
      errorEquals: readErrorEquals(entry, i === entries.length - 1),
      intervalSeconds,
      // "The maximum value is 99999999. A value of 0 specifies that the error is never retried."
      maxAttempts: entry.number('MaxAttempts', { min: 0, max: 99_999_999, whole: true }) ?? 3,
      backoffRate: entry.number('BackoffRate', { min: 1, max: Number.MAX_VALUE, whole: false }) ?? 2,
      maxDelaySeconds,
      jitter: entry.oneOf('JitterStrategy', ['FULL', 'NONE']) ?? 'NONE',
    };
  });
}

function readCatchers(fields: FieldReader, scope: Scope): readonly Catcher[] {
  const entries = fields.array('Catch') ?? [];
  return entries.map((source, i) => {
    const entry = fields.nested(source, `Catch[${i}]`, { outcomes: ['errorOutput'] });
    entry.only(['ErrorEquals', 'Next', 'Output', 'Assign', 'Comment']);
    entry.require('Next');
    return {
      errorEquals: readErrorEquals(entry, i === entries.length - 1),
      next: entry.string('Next') ?? '',
      output: entry.template('Output'),
      assign: readAssign(entry, scope),
    };
  });
}

function readTask(
  fields: FieldReader,
  scope: Scope,
): Pick<TaskState, 'target' | 'arguments' | 'roleArn' | 'timeoutSeconds' | 'heartbeatSeconds'> {
  fields.require('Resource');
  const resource = fields.string('Resource') ?? '';
  const { target, refusal } = findTarget(resource, scope.type);
  if (refusal !== undefined && fields.has('Resource')) fields.fail(refusal, 'Resource');
  const args = fields.template('Arguments');
  if (args !== undefined && args.kind !== 'expression') {
    for (const message of refusedArguments(target, fields.source.Arguments)) fields.fail(message, 'Arguments');
  }
  checkHeartbeat(fields);
  return {
    target,
    arguments: args,
    roleArn: readRoleArn(fields),
    timeoutSeconds: fields.count('TimeoutSeconds', TIMES),
    heartbeatSeconds: fields.count('HeartbeatSeconds', TIMES),
  };
}

/** "HeartbeatSeconds … must be a positive integer that is smaller than TimeoutSeconds." */
function checkHeartbeat(fields: FieldReader): void {
  const heartbeat: Json = fields.source.HeartbeatSeconds;
  const timeout: Json = fields.source.TimeoutSeconds;
  if (typeof heartbeat === 'number' && typeof timeout === 'number' && heartbeat >= timeout) {
    fields.fail('HeartbeatSeconds must be smaller than TimeoutSeconds', 'HeartbeatSeconds');
  }
}

/** `Credentials: { RoleArn }`: the role that the task is done as. */
function readRoleArn(fields: FieldReader): TaskState['roleArn'] {
  if (!fields.has('Credentials')) return undefined;
  const credentials = fields.nested(fields.source.Credentials, 'Credentials');
  credentials.only(['RoleArn']);
  credentials.require('RoleArn');
  return credentials.typed('RoleArn', 'string');
}

function readBranches(fields: FieldReader, scope: Scope): (State & { type: 'Parallel' })['branches'] {
  fields.require('Branches');
  const branches = fields.array('Branches') ?? [];
  if (fields.has('Branches') && branches.length === 0) fields.fail('Expected a non-empty array', 'Branches');
  return branches.map((source, i) => scope.inner().readContainer(source, fields.at(`Branches[${i}]`), ['Comment']));
}
