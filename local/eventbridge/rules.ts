import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import {
  type Buses,
  busName,
  constraint,
  findBus,
  findRule,
  invalid,
  notFound,
  paged,
  type Rule,
  type RuleState,
  ruleArn,
  type Target,
} from './bus.ts';
import { parseSchedule } from './cron.ts';
import { parseExact } from './exact-json.ts';
import { compilePattern } from './pattern.ts';
import { reschedule, stopSchedule } from './schedule.ts';
import { checkTargetArn } from './target-call.ts';
import { checkInput } from './target-input.ts';

const STATES: readonly RuleState[] = ['ENABLED', 'DISABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'];

export function ruleOperations(cloud: Cloud, buses: Buses): Operations {
  const setState = (state: RuleState) => (input: Json) => {
    const rule = findRule(buses, input);
    rule.state = state;
    reschedule(cloud, buses, rule);
    return {};
  };

  return {
    PutRule: operation(
      ['Name', 'EventBusName', 'EventPattern', 'ScheduleExpression', 'State', 'Description', 'RoleArn', 'Tags'],
      (input) => putRule(cloud, buses, input),
    ),

    DeleteRule: operation(['Name', 'EventBusName', 'Force'], (input) => {
      const bus = findBus(buses, input.EventBusName);
      const rule = bus.rules.get(input.Name);
      // "If you call delete rule multiple times for the same rule, all calls will succeed."
      if (rule === undefined) return {};
      if (rule.targets.size > 0) throw invalid("Rule can't be deleted since it has targets.");
      stopSchedule(rule);
      bus.rules.delete(rule.name);
      return {};
    }),

    DescribeRule: operation(['Name', 'EventBusName'], (input) => {
      const rule = findRule(buses, input);
      return { ...describeRule(rule), CreatedBy: cloud.account.accountId };
    }),

    ListRules: operation(['NamePrefix', 'EventBusName', 'NextToken', 'Limit'], (input) => {
      const rules = [...findBus(buses, input.EventBusName).rules.values()]
        .filter((rule) => rule.name.startsWith(input.NamePrefix ?? ''))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      const { page, next } = paged(rules, input);
      return { Rules: page.map(describeRule), ...next };
    }),

    ListRuleNamesByTarget: operation(['TargetArn', 'EventBusName', 'NextToken', 'Limit'], (input) => {
      const names = [...findBus(buses, input.EventBusName).rules.values()]
        .filter((rule) => [...rule.targets.values()].some((target) => target.Arn === input.TargetArn))
        .map((rule) => rule.name);
      const { page, next } = paged(names, input);
      return { RuleNames: page, ...next };
    }),

    EnableRule: operation(['Name', 'EventBusName'], setState('ENABLED')),
    DisableRule: operation(['Name', 'EventBusName'], setState('DISABLED')),

    PutTargets: operation(['Rule', 'EventBusName', 'Targets'], (input) => {
      const rule = findRule(buses, input, input.Rule);
      const targets: Target[] = input.Targets ?? [];
      for (const target of targets) checkTarget(target);
      const ids = new Set([...rule.targets.keys(), ...targets.map((target) => target.Id)]);
      // "You can have up to five targets per rule" (quotas).
      if (ids.size > 5)
        throw new ServiceError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
      for (const target of targets) rule.targets.set(target.Id, target);
      return { FailedEntryCount: 0, FailedEntries: [] };
    }),

    RemoveTargets: operation(['Rule', 'EventBusName', 'Ids', 'Force'], (input) => {
      const rule = findRule(buses, input, input.Rule);
      for (const id of input.Ids ?? []) rule.targets.delete(id);
      return { FailedEntryCount: 0, FailedEntries: [] };
    }),

    ListTargetsByRule: operation(['Rule', 'EventBusName', 'NextToken', 'Limit'], (input) => {
      const { page, next } = paged([...findRule(buses, input, input.Rule).targets.values()], input);
      return { Targets: page, ...next };
    }),

    TestEventPattern: operation(['EventPattern', 'Event'], (input) => {
      const matches = compilePattern(String(input.EventPattern));
      let event: Json;
      try {
        event = parseExact(input.Event);
      } catch {
        throw invalid('Parameter Event is not valid.');
      }
      // "The event must have id, account, source, time, region, resources and detail-type" (TestEventPattern).
      for (const field of ['id', 'account', 'source', 'time', 'region', 'resources', 'detail-type']) {
        if (event?.[field] === undefined) throw invalid(`Parameter Event is not valid. Reason: ${field} is missing.`);
      }
      return { Result: matches(event) };
    }),
  };
}

function putRule(cloud: Cloud, buses: Buses, input: Json): Json {
  const bus = findBus(buses, input.EventBusName);
  const name = input.Name;
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
    throw constraint(name, 'name', 'Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+');
  }
  const state: RuleState = input.State ?? 'ENABLED';
  if (!STATES.includes(state)) {
    throw constraint(state, 'state', `Member must satisfy enum value set: [${STATES.join(', ')}]`);
  }
  const pattern: string | undefined = input.EventPattern === '' ? undefined : (input.EventPattern ?? undefined);
  const schedule: string | undefined =
    input.ScheduleExpression === '' ? undefined : (input.ScheduleExpression ?? undefined);
  if (pattern === undefined && schedule === undefined) {
    throw invalid('Parameter(s) EventPattern or ScheduleExpression must be specified.');
  }
  if (pattern !== undefined && pattern.length > 4096) {
    throw constraint('[EventPattern]', 'eventPattern', 'Member must have length less than or equal to 4096');
  }
  const matches = pattern === undefined ? undefined : compilePattern(pattern);
  if (schedule !== undefined) {
    if (bus.name !== 'default') throw invalid('ScheduleExpression is supported only on the default event bus.');
    if (parseSchedule(schedule) === undefined) throw invalid('Parameter ScheduleExpression is not valid.');
  }
  const existing = bus.rules.get(name);
  const rule: Rule = existing ?? {
    name,
    arn: ruleArn(cloud.account, bus.name, name),
    bus: bus.name,
    pattern,
    matches,
    schedule,
    timer: undefined,
    state,
    description: undefined,
    roleArn: undefined,
    targets: new Map(),
    tags: new Map(),
  };
  Object.assign(rule, { pattern, matches, schedule, state });
  // "If you omit arguments in PutRule, the default values are used rather than existing values."
  rule.description = input.Description ?? undefined;
  rule.roleArn = input.RoleArn ?? undefined;
  for (const { Key, Value } of input.Tags ?? []) rule.tags.set(Key, Value);
  bus.rules.set(name, rule);
  reschedule(cloud, buses, rule);
  cloud.trace.note('events', 'rule put', { bus: bus.name, rule: name });
  return { RuleArn: rule.arn };
}

function describeRule(rule: Rule): Json {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventBusName: rule.bus,
    State: rule.state,
    ...(rule.pattern !== undefined && { EventPattern: rule.pattern }),
    ...(rule.schedule !== undefined && { ScheduleExpression: rule.schedule }),
    ...(rule.description !== undefined && { Description: rule.description }),
    ...(rule.roleArn !== undefined && { RoleArn: rule.roleArn }),
  };
}

const TARGET = [
  'Id',
  'Arn',
  'RoleArn',
  'Input',
  'InputPath',
  'InputTransformer',
  'KinesisParameters',
  'SqsParameters',
  'DeadLetterConfig',
  'RetryPolicy',
];

function checkTarget(target: Json): void {
  for (const name of Object.keys(target)) {
    if (target[name] !== undefined && target[name] !== null && !TARGET.includes(name)) {
      throw invalid(`PutTargets: the parameter ${name} of a target is not supported here`);
    }
  }
  if (typeof target.Id !== 'string' || !/^[\w.-]{1,64}$/.test(target.Id)) {
    throw constraint(
      target.Id,
      'targets.1.member.id',
      'Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+',
    );
  }
  checkTargetArn({ ...target, Arn: String(target.Arn) });
  checkInput(target);
  const { MaximumRetryAttempts: attempts, MaximumEventAgeInSeconds: age } = target.RetryPolicy ?? {};
  if (attempts !== undefined && !(attempts >= 0 && attempts <= 185)) {
    throw constraint(attempts, 'targets.1.member.retryPolicy.maximumRetryAttempts', 'Member must be between 0 and 185');
  }
  if (age !== undefined && !(age >= 60 && age <= 86_400)) {
    throw constraint(
      age,
      'targets.1.member.retryPolicy.maximumEventAgeInSeconds',
      'Member must be between 60 and 86400',
    );
  }
  const queue = target.DeadLetterConfig?.Arn;
  if (queue !== undefined && !/^arn:[^:]+:sqs:[^:]*:\d+:[^:]+$/.test(queue)) {
    throw invalid(`Parameter DeadLetterConfig.Arn ${queue} is not valid. Reason: it is not the ARN of a queue.`);
  }
}

/** The tags of a rule or bus, by ARN. */
export function tagsOf(buses: Buses, arn: string): Map<string, string> {
  for (const bus of buses.byName.values()) {
    if (bus.arn === arn) return bus.tags;
    for (const rule of bus.rules.values()) if (rule.arn === arn) return rule.tags;
  }
  throw notFound(`${busName(arn)} does not exist.`);
}
