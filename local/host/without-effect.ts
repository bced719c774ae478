import type { Account, Json } from '../cloud.ts';
import type { Created } from '../resource.ts';

/** A resource type that a template may hold although nothing here acts on it. */
export interface WithoutEffect {
  /** Why that is honest. */
  readonly reason: string;
  create(
    properties: Json,
    context: { readonly generatedName: string; readonly logicalId: string; readonly account: Account },
  ): Created;
}

const regional = ({ region, accountId }: Account, service: string, resource: string) =>
  `arn:aws:${service}:${region}:${accountId}:${resource}`;

const named = (
  reason: string,
  property: string,
  attributes: (name: string, account: Account) => Record<string, string> = () => ({}),
): WithoutEffect => ({
  reason,
  create: (properties, { generatedName, account }) => {
    const name = properties[property] ?? generatedName;
    return { ref: name, attributes: attributes(name, account) };
  },
});

const ALARMS = 'nothing measures for CloudWatch here, so no alarm goes off';
const NO_PUBLISH = 'only alarms publish to it, and none goes off here; a call of sns:Publish is refused';
const SCALING = 'capacity has no limit here';

/** A key id in the shape of a UUID, the same on each start. */
const keyId = (name: string) => {
  const hex = Buffer.from(name.padEnd(16, '0')).toString('hex').slice(0, 32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** The types that have no effect, each with its reason; those of services that bring a provider of their own are looked up there first. */
export const WITHOUT_EFFECT: Readonly<Record<string, WithoutEffect>> = {
  'AWS::CDK::Metadata': named('it only counts which constructs people use', 'Analytics'),
  'AWS::Logs::LogGroup': named("a function's log lines go to the terminal", 'LogGroupName', (name, account) => ({
    Arn: regional(account, 'logs', `log-group:${name}:*`),
  })),
  'AWS::Logs::LogStream': named("a function's log lines go to the terminal", 'LogStreamName'),
  'AWS::Logs::MetricFilter': named(ALARMS, 'FilterName'),
  'AWS::Logs::QueryDefinition': named("a function's log lines go to the terminal", 'Name'),
  'AWS::CloudWatch::Alarm': named(ALARMS, 'AlarmName', (name, account) => ({
    Arn: regional(account, 'cloudwatch', `alarm:${name}`),
  })),
  'AWS::CloudWatch::CompositeAlarm': named(ALARMS, 'AlarmName', (name, account) => ({
    Arn: regional(account, 'cloudwatch', `alarm:${name}`),
  })),
  'AWS::CloudWatch::Dashboard': named('there is no CloudWatch console here', 'DashboardName'),
  'AWS::SNS::Topic': {
    reason: NO_PUBLISH,
    create(properties, { generatedName, account }) {
      const name = properties.TopicName ?? generatedName;
      const arn = regional(account, 'sns', name);
      return { ref: arn, attributes: { TopicArn: arn, TopicName: name } };
    },
  },
  'AWS::SNS::Subscription': named(NO_PUBLISH, 'TopicArn', (arn) => ({ Arn: `${arn}:subscription` })),
  'AWS::SNS::TopicPolicy': named(NO_PUBLISH, 'Id'),
  'AWS::KMS::Key': {
    reason: 'what is stored here is not encrypted, and grants on keys are not checked',
    create(_properties, { generatedName, account }) {
      const id = keyId(generatedName.slice(-16));
      return { ref: id, attributes: { KeyId: id, Arn: regional(account, 'kms', `key/${id}`) } };
    },
  },
  'AWS::KMS::Alias': named('what is stored here is not encrypted', 'AliasName', (name, account) => ({
    Arn: regional(account, 'kms', name),
  })),
  'AWS::SSM::Parameter': {
    reason: 'there is no Parameter Store here; its value is only passed on inside the template',
    create: (properties, { generatedName }) => ({
      ref: properties.Name ?? generatedName,
      attributes: { Type: String(properties.Type), Value: String(properties.Value) },
    }),
  },
  'AWS::ApplicationAutoScaling::ScalableTarget': named(SCALING, 'ResourceId'),
  'AWS::ApplicationAutoScaling::ScalingPolicy': named(SCALING, 'PolicyName', (name, account) => ({
    Arn: regional(account, 'autoscaling', `scalingPolicy:${name}`),
  })),
  'AWS::CloudFormation::WaitConditionHandle': named('there is nothing to wait for', 'Name'),
  'Custom::S3AutoDeleteObjects': named('it only acts when the stack is deleted', 'BucketName'),
  'Custom::LogRetention': named("a function's log lines go to the terminal", 'LogGroupName', (name) => ({
    LogGroupName: name,
  })),
};
