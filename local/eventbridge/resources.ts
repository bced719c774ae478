import { type Json, ServiceError } from '../cloud.ts';
import type { ResourceProvider } from '../resource.ts';
import { busName, ruleArn } from './bus.ts';

const eventBus: ResourceProvider = {
  type: 'AWS::Events::EventBus',
  properties: ['Name', 'Description', 'Policy', 'Tags'],
  without: {
    KmsKeyIdentifier: 'nothing is encrypted here',
    DeadLetterConfig: 'it holds events that could not be encrypted, and nothing is encrypted here',
    LogConfig: 'there are no CloudWatch logs here: the trace shows what flows',
  },
  async create({ Name, Description, Policy, Tags }, { cloud, caller }) {
    const call = (operation: string, input: Json) => cloud.call(caller, 'events', operation, input);
    try {
      await call('CreateEventBus', { Name, Description, Tags });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'ResourceAlreadyExistsException') throw error;
    }
    if (Policy !== undefined) {
      const text = typeof Policy === 'string' ? Policy : JSON.stringify(Policy);
      await call('PutPermission', { EventBusName: Name, Policy: text });
    }
    const described = await call('DescribeEventBus', { Name });
    return {
      ref: Name,
      attributes: { Arn: described.Arn, Name, ...(described.Policy !== undefined && { Policy: described.Policy }) },
    };
  },
};

const eventBusPolicy: ResourceProvider = {
  type: 'AWS::Events::EventBusPolicy',
  properties: ['EventBusName', 'StatementId', 'Statement', 'Action', 'Principal', 'Condition'],
  async create(properties, { cloud, caller }) {
    const { EventBusName = 'default', StatementId, Statement, Action, Principal, Condition } = properties;
    if (Statement === undefined) {
      await cloud.call(caller, 'events', 'PutPermission', { EventBusName, StatementId, Action, Principal, Condition });
    } else {
      const { Policy } = await cloud.call(caller, 'events', 'DescribeEventBus', { Name: EventBusName });
      const others = [(Policy === undefined ? { Statement: [] } : JSON.parse(Policy)).Statement]
        .flat()
        .filter((one: Json) => one.Sid !== StatementId);
      const document = { Version: '2012-10-17', Statement: [...others, { ...Statement, Sid: StatementId }] };
      await cloud.call(caller, 'events', 'PutPermission', { EventBusName, Policy: JSON.stringify(document) });
    }
    return { ref: `${busName(EventBusName)}|${StatementId}`, attributes: {} };
  },
};

const rule: ResourceProvider = {
  type: 'AWS::Events::Rule',
  properties: [
    'Name',
    'Description',
    'EventBusName',
    'EventPattern',
    'ScheduleExpression',
    'State',
    'RoleArn',
    'Targets',
    'Tags',
  ],
  replacedBy: ['Name', 'EventBusName'],
  async create(properties, { cloud, caller, generatedName }) {
    const { EventBusName, EventPattern, Targets, Name: given, ...more } = properties;
    const Name: string = given ?? generatedName.slice(-64);
    const call = (operation: string, input: Json) => cloud.call(caller, 'events', operation, input);
    await call('PutRule', {
      ...more,
      Name,
      EventBusName,
      EventPattern: typeof EventPattern === 'object' ? JSON.stringify(EventPattern) : EventPattern,
    });
    // Still there from an earlier start: the template's targets win.
    const { Targets: old } = await call('ListTargetsByRule', { Rule: Name, EventBusName });
    const kept = new Set((Targets ?? []).map((target: Json) => target.Id));
    const Ids = old.map((target: Json) => target.Id).filter((id: string) => !kept.has(id));
    if (Ids.length > 0) await call('RemoveTargets', { Rule: Name, EventBusName, Ids });
    if (Targets?.length > 0) {
      await call('PutTargets', { Rule: Name, EventBusName, Targets: Targets.map(readTarget) });
    }
    const bus = busName(EventBusName);
    return {
      // The physical id of a rule on another bus than the default one names the bus too.
      ref: bus === 'default' ? Name : `${bus}|${Name}`,
      attributes: { Arn: ruleArn(cloud.account, bus, Name) },
    };
  },
  async remove({ ref }, { cloud, caller }) {
    const [Rule, EventBusName] = ref.split('|').reverse();
    const call = (operation: string, input: Json) =>
      cloud.call(caller, 'events', operation, { ...input, ...(EventBusName !== undefined && { EventBusName }) });
    const { Targets } = await call('ListTargetsByRule', { Rule });
    if (Targets.length > 0) await call('RemoveTargets', { Rule, Ids: Targets.map(({ Id }: Json) => Id) });
    await call('DeleteRule', { Name: Rule });
  },
};

const archive: ResourceProvider = {
  type: 'AWS::Events::Archive',
  properties: ['ArchiveName', 'SourceArn', 'Description', 'EventPattern', 'RetentionDays'],
  replacedBy: ['ArchiveName', 'SourceArn'],
  without: { KmsKeyIdentifier: 'nothing is encrypted here' },
  async create({ ArchiveName, SourceArn, Description, EventPattern, RetentionDays }, context) {
    const { cloud, caller, generatedName } = context;
    const name: string = ArchiveName ?? generatedName.slice(-48);
    const settings = {
      ArchiveName: name,
      Description,
      EventPattern: typeof EventPattern === 'object' ? JSON.stringify(EventPattern) : EventPattern,
      RetentionDays: RetentionDays === undefined ? undefined : Number(RetentionDays),
    };
    const call = (operation: string, input: Json) => cloud.call(caller, 'events', operation, input);
    try {
      await call('CreateArchive', { ...settings, EventSourceArn: SourceArn });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'ResourceAlreadyExistsException') throw error;
      await call('UpdateArchive', settings);
    }
    const { ArchiveArn } = await call('DescribeArchive', { ArchiveName: name });
    return { ref: name, attributes: { Arn: ArchiveArn, ArchiveName: name } };
  },
};

/** CloudFormation may give numbers as text. */
function readTarget({ RetryPolicy, ...target }: Json): Json {
  if (RetryPolicy === undefined) return target;
  const numbers = Object.entries(RetryPolicy).map(([name, value]) => [name, Number(value)]);
  return { ...target, RetryPolicy: Object.fromEntries(numbers) };
}

/** The CloudFormation types of EventBridge. */
export const eventBridgeResources: readonly ResourceProvider[] = [eventBus, eventBusPolicy, rule, archive];
