import { type Account, type Caller, type Json, type Service, ServiceError } from '../cloud.ts';
import type { DeployedResource, DeployedStack } from './deploy.ts';

/** CloudFormation as far as tools ask it for physical names: it describes, it does not deploy. */
export function createCloudFormation(stacks: () => readonly DeployedStack[]): Service {
  const find = (name: unknown): DeployedStack => {
    const found = stacks().find(({ stackName, stackId }) => stackName === name || stackId === name);
    if (found === undefined) throw new ServiceError('ValidationError', `Stack with id ${name} does not exist`);
    return found;
  };
  const operations: Readonly<Record<string, { readonly takes: readonly string[]; run(input: Json): Json }>> = {
    DescribeStacks: {
      takes: ['StackName', 'NextToken'],
      run: (input) => ({ Stacks: (input.StackName === undefined ? stacks() : [find(input.StackName)]).map(describe) }),
    },
    ListStacks: {
      takes: ['NextToken', 'StackStatusFilter'],
      run: (input) => ({
        StackSummaries: stacks()
          .filter(() => input.StackStatusFilter === undefined || input.StackStatusFilter.includes(STATUS))
          .map((stack) => ({ ...summary(stack), TemplateDescription: stack.description })),
      }),
    },
    DescribeStackResources: {
      takes: ['StackName', 'LogicalResourceId', 'PhysicalResourceId'],
      run(input) {
        const owners =
          input.StackName !== undefined
            ? [find(input.StackName)]
            : stacks().filter(({ resources }) =>
                resources.some(({ physicalId }) => physicalId === input.PhysicalResourceId),
              );
        return {
          StackResources: owners.flatMap((stack) =>
            stack.resources
              .filter(({ logicalId }) => input.LogicalResourceId === undefined || input.LogicalResourceId === logicalId)
              .map((resource) => ({ ...inStack(stack), ...describeResource(resource), Timestamp: at(stack) })),
          ),
        };
      },
    },
    DescribeStackResource: {
      takes: ['StackName', 'LogicalResourceId'],
      run(input) {
        const stack = find(input.StackName);
        const resource = stack.resources.find(({ logicalId }) => logicalId === input.LogicalResourceId);
        if (resource === undefined) {
          const message = `Resource ${input.LogicalResourceId} does not exist for stack ${stack.stackName}`;
          throw new ServiceError('ValidationError', message);
        }
        const detail = { ...inStack(stack), ...describeResource(resource), LastUpdatedTimestamp: at(stack) };
        return {
          StackResourceDetail: {
            ...detail,
            Metadata: JSON.stringify(stack.template.Resources[resource.logicalId].Metadata ?? {}),
          },
        };
      },
    },
    ListStackResources: {
      takes: ['StackName', 'NextToken'],
      run(input) {
        const stack = find(input.StackName);
        return {
          StackResourceSummaries: stack.resources.map((resource) => ({
            ...describeResource(resource),
            LastUpdatedTimestamp: at(stack),
          })),
        };
      },
    },
    GetTemplate: {
      takes: ['StackName', 'TemplateStage'],
      run: (input) => ({
        TemplateBody: JSON.stringify(find(input.StackName).template),
        StagesAvailable: ['Original', 'Processed'],
      }),
    },
    ListExports: {
      takes: ['NextToken'],
      run: () => ({
        Exports: stacks().flatMap(({ stackId, outputs }) =>
          outputs.flatMap(({ exportName, value }) =>
            exportName === undefined ? [] : [{ ExportingStackId: stackId, Name: exportName, Value: value }],
          ),
        ),
      }),
    },
  };
  return {
    name: 'cloudformation',
    handle(operation, input) {
      const found = operations[operation];
      if (found === undefined) {
        throw new ServiceError(
          'InvalidAction',
          `CloudFormation's ${operation} is not supported by the embedded runtime`,
        );
      }
      const unknown = Object.keys(input).filter((name) => !found.takes.includes(name));
      if (unknown.length > 0) {
        throw new ServiceError(
          'ValidationError',
          `${operation}: ${unknown.join(', ')} is not supported by the embedded runtime`,
        );
      }
      return found.run(input);
    },
  };
}

/** STS, for "who am I?". */
export function createSts(account: Account): Service {
  return {
    name: 'sts',
    handle(operation, _input, caller) {
      if (operation === 'GetCallerIdentity') return callerIdentity(caller, account);
      throw new ServiceError('InvalidAction', `STS's ${operation} is not supported by the embedded runtime`);
    },
  };
}

function callerIdentity({ principal }: Caller, { accountId }: Account): Json {
  if (principal === 'root') return { Arn: `arn:aws:iam::${accountId}:root`, UserId: accountId, Account: accountId };
  const role = principal.split('/').pop();
  return {
    Arn: `arn:aws:sts::${accountId}:assumed-role/${role}/local`,
    UserId: `AROA${role}:local`,
    Account: accountId,
  };
}

const STATUS = 'CREATE_COMPLETE';
const at = (stack: DeployedStack) => new Date(stack.createdAt).toISOString();
const inStack = (stack: DeployedStack) => ({ StackName: stack.stackName, StackId: stack.stackId });
const summary = (stack: DeployedStack) => ({ ...inStack(stack), CreationTime: at(stack), StackStatus: STATUS });

function describe(stack: DeployedStack): Json {
  return {
    ...summary(stack),
    Description: stack.description,
    Parameters: Object.entries(stack.parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
    Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
    Outputs: stack.outputs.map(({ key, value, description, exportName }) => ({
      OutputKey: key,
      OutputValue: value,
      Description: description,
      ExportName: exportName,
    })),
    DisableRollback: false,
    EnableTerminationProtection: false,
  };
}

function describeResource(resource: DeployedResource): Json {
  return {
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.physicalId,
    ResourceType: resource.type,
    ResourceStatus: STATUS,
  };
}
