import { isAbsolute } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type FunctionProps,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { entryCode, functionCode } from './function-code.ts';

export interface NodeFunctionProps extends Partial<Omit<FunctionProps, 'role' | 'logGroup' | 'code' | 'handler'>> {
  /** The file in functions/, without its ending; or the full path of a module of the user's that exports `handler`. */
  readonly name: string;
  /** The user's app, for functions that run its code. */
  readonly app?: string;
}

/** A Lambda function with a role that may write its own log and nothing else; each further permission is said with `allow`. */
export class NodeFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    super(scope, id);
    const { name, app, ...rest } = props;
    const logGroup = new LogGroup(this, 'Log', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]);
    this.function = new LambdaFunction(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout: Duration.seconds(30),
      tracing: Tracing.DISABLED,
      loggingFormat: LoggingFormat.TEXT, // metrics are embedded in log lines, which the JSON format would wrap
      ...rest,
      code: isAbsolute(name) ? entryCode(this, name) : functionCode(this, name, app),
      handler: 'index.handler',
      role: this.role.withoutPolicyUpdates(), // nothing is granted behind this class's back
      logGroup,
    });
    this.function.node.addDependency(this.role);
  }

  /** Exactly these actions on exactly these resources. */
  allow(actions: string[], resources: string[]): void {
    this.role.addToPolicy(new PolicyStatement({ actions, resources }));
  }
}
