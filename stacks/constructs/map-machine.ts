import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, type CfnElement, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { packageRoot } from './function-code.ts';

export interface MapMachineProps {
  /** The file in statemachines/, without its ending. */
  readonly name: string;
  readonly substitutions: Record<string, string>;
  /** Its other permissions are the caller's to say. */
  readonly role: Role;
  readonly timeout: Duration;
}

/** A state machine with a distributed map: its definition from statemachines/, its log without payloads, and leave to run its own child executions. */
export function mapMachine(scope: Construct, { name, substitutions, role, timeout }: MapMachineProps): StateMachine {
  const machine = new StateMachine(scope, 'StateMachine', {
    // A string, not an asset: the definition stays in the template, where tests and linters see it.
    definitionBody: DefinitionBody.fromString(
      readFileSync(join(packageRoot, `statemachines/${name}.asl.json`), 'utf8'),
    ),
    definitionSubstitutions: substitutions,
    role,
    timeout,
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(scope, 'Log', {
        logGroupName: `/aws/vendedlogs/states/${scope.node.addr}`, // this prefix keeps the log's resource policy small (AWS's advice)
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      level: LogLevel.ALL,
      includeExecutionData: false, // no payloads in logs
    },
  });
  acknowledge(role, 'IAM5[Resource::*]', 'Log delivery and X-Ray know no resource (Step Functions’ guide)');
  // Apart from the role's policy, which the machine waits for.
  const start = new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] });
  allowExecutions(scope, 'ChildExecutions', {
    role,
    machine,
    actions: ['states:DescribeExecution', 'states:StopExecution'],
    named: '/*',
    more: [start],
  });
  return machine;
}

/** Lets a role do something with the executions of a machine: its own (`:*`), or those of its distributed maps (`/*`). */
export function allowExecutions(
  scope: Construct,
  id: string,
  given: {
    readonly role: Role;
    readonly machine: StateMachine;
    readonly actions: string[];
    readonly named: ':*' | '/*';
    readonly more?: PolicyStatement[];
  },
): void {
  const { role, machine, actions, named, more = [] } = given;
  const stack = Stack.of(scope);
  const resource = stack.formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${machine.stateMachineName}${named}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const statements = [...more, new PolicyStatement({ actions, resources: [resource] })];
  const policy = new Policy(scope, id, { roles: [role], statements });
  const logicalId = stack.getLogicalId(machine.node.defaultChild as CfnElement);
  const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId}.Name>${named}`;
  acknowledge(policy, `IAM5[Resource::${executions}]`, 'The executions of this machine and of no other');
}
