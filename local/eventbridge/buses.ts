import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { type Bus, type Buses, busName, constraint, findBus, invalid, makeBus, notFound, paged } from './bus.ts';
import { tagsOf } from './rules.ts';

export function busOperations(cloud: Cloud, buses: Buses): Operations {
  const now = () => cloud.kernel.clock.now();
  return {
    CreateEventBus: operation(['Name', 'Description', 'Tags'], (input) => {
      const name = input.Name;
      if (typeof name !== 'string' || !/^[\w.-]{1,256}$/.test(name)) {
        throw constraint(name, 'name', 'Member must satisfy regular expression pattern: [/\\.\\-_A-Za-z0-9]+');
      }
      if (buses.byName.has(name)) {
        throw new ServiceError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
      }
      const bus = makeBus(cloud.account, name, now());
      bus.description = input.Description ?? undefined;
      for (const { Key, Value } of input.Tags ?? []) bus.tags.set(Key, Value);
      buses.byName.set(name, bus);
      cloud.trace.note('events', 'bus created', { bus: name });
      return { EventBusArn: bus.arn, ...(bus.description !== undefined && { Description: bus.description }) };
    }),

    UpdateEventBus: operation(['Name', 'Description'], (input) => {
      const bus = findBus(buses, input.Name);
      bus.description = input.Description ?? undefined;
      bus.modifiedMs = now();
      return { Arn: bus.arn, Name: bus.name, ...(bus.description !== undefined && { Description: bus.description }) };
    }),

    DescribeEventBus: operation(['Name'], (input) => describe(findBus(buses, input.Name))),

    ListEventBuses: operation(['NamePrefix', 'NextToken', 'Limit'], (input) => {
      const found = [...buses.byName.values()].filter((bus) => bus.name.startsWith(input.NamePrefix ?? ''));
      const { page, next } = paged(found, input);
      return { EventBuses: page.map(describe), ...next };
    }),

    DeleteEventBus: operation(['Name'], (input) => {
      const name = busName(input.Name);
      if (name === 'default') throw invalid('Cannot delete event bus default.');
      const bus = buses.byName.get(name);
      // "The response is the same whether the bus was there or not."
      if (bus === undefined) return {};
      if (bus.rules.size > 0) throw invalid("Event bus can't be deleted since it has rules.");
      buses.byName.delete(name);
      return {};
    }),

    PutPermission: operation(['EventBusName', 'Action', 'Principal', 'StatementId', 'Condition', 'Policy'], (input) => {
      const bus = findBus(buses, input.EventBusName);
      putPermission(bus, input);
      bus.modifiedMs = now();
      return {};
    }),

    RemovePermission: operation(['EventBusName', 'StatementId', 'RemoveAllPermissions'], (input) => {
      const bus = findBus(buses, input.EventBusName);
      if (input.RemoveAllPermissions === true) bus.statements.clear();
      else if (!bus.statements.delete(input.StatementId)) {
        throw notFound(`Statement with the provided id ${input.StatementId} does not exist.`);
      }
      return {};
    }),

    TagResource: operation(['ResourceARN', 'Tags'], (input) => {
      const tags = tagsOf(buses, input.ResourceARN);
      for (const { Key, Value } of input.Tags ?? []) tags.set(Key, Value);
      return {};
    }),
    UntagResource: operation(['ResourceARN', 'TagKeys'], (input) => {
      const tags = tagsOf(buses, input.ResourceARN);
      for (const key of input.TagKeys ?? []) tags.delete(key);
      return {};
    }),
    ListTagsForResource: operation(['ResourceARN'], (input) => ({
      Tags: [...tagsOf(buses, input.ResourceARN)].map(([Key, Value]) => ({ Key, Value })),
    })),
  };
}

function describe(bus: Bus): Json {
  const policy = policyOf(bus);
  return {
    Name: bus.name,
    Arn: bus.arn,
    ...(bus.description !== undefined && { Description: bus.description }),
    ...(policy !== undefined && { Policy: JSON.stringify(policy) }),
    CreationTime: bus.createdMs / 1000,
    LastModifiedTime: bus.modifiedMs / 1000,
  };
}

/** The bus's resource policy, or undefined when it has no statement. */
export function policyOf(bus: Bus): Json | undefined {
  if (bus.statements.size === 0) return undefined;
  return { Version: '2012-10-17', Statement: [...bus.statements.values()] };
}

function putPermission(bus: Bus, input: Json): void {
  if (input.Policy !== undefined) {
    const policy = parsePolicy(input.Policy);
    bus.statements.clear();
    for (const [i, statement] of [policy.Statement].flat().entries()) {
      bus.statements.set(statement.Sid ?? String(i), statement);
    }
    return;
  }
  const { StatementId, Action, Principal, Condition } = input;
  if (typeof StatementId !== 'string' || typeof Principal !== 'string') {
    throw invalid('Either Policy, or StatementId with Action and Principal, must be specified.');
  }
  bus.statements.set(StatementId, {
    Sid: StatementId,
    Effect: 'Allow',
    Principal:
      Principal === '*' ? '*' : { AWS: /^\d{12}$/.test(Principal) ? `arn:aws:iam::${Principal}:root` : Principal },
    Action: Action ?? 'events:PutEvents',
    Resource: bus.arn,
    ...(Condition !== undefined && { Condition: { [Condition.Type]: { [Condition.Key]: Condition.Value } } }),
  });
}

function parsePolicy(text: Json): Json {
  try {
    const policy = JSON.parse(text);
    if (policy?.Statement !== undefined) return policy;
  } catch {
    // Refused below.
  }
  throw invalid('Parameter Policy is not valid: it is not a policy document.');
}
