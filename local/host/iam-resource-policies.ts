import type { Account, Json } from '../cloud.ts';

/** The resource policies that a created resource brings: the ARN that each hangs on, and its document. */
export function resourcePoliciesIn(
  type: string,
  properties: Json,
  ref: string,
  attributes: Readonly<Record<string, string>>,
  { region, accountId }: Account,
): [arn: string, document: Json][] {
  const regional = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const found: [string, Json][] = [];
  switch (type) {
    case 'AWS::DynamoDB::Table': {
      const document = properties.ResourcePolicy?.PolicyDocument;
      if (document !== undefined) found.push([attributes.Arn ?? regional('dynamodb', `table/${ref}`), document]);
      const onStream = properties.StreamSpecification?.ResourcePolicy?.PolicyDocument;
      if (onStream !== undefined && attributes.StreamArn !== undefined) found.push([attributes.StreamArn, onStream]);
      break;
    }
    case 'AWS::SQS::QueuePolicy':
      for (const url of properties.Queues ?? [])
        found.push([regional('sqs', String(url).split('/').pop()!), properties.PolicyDocument]);
      break;
    case 'AWS::SQS::QueueInlinePolicy':
      found.push([regional('sqs', String(properties.Queue).split('/').pop()!), properties.PolicyDocument]);
      break;
    case 'AWS::S3::BucketPolicy':
      found.push([`arn:aws:s3:::${properties.Bucket}`, properties.PolicyDocument]);
      break;
    case 'AWS::Kinesis::ResourcePolicy':
      found.push([properties.ResourceArn, properties.ResourcePolicy]);
      break;
    case 'AWS::Events::EventBusPolicy': {
      const bus = regional('events', `event-bus/${properties.EventBusName ?? 'default'}`);
      if (properties.Statement !== undefined) {
        const { Sid, Effect, Principal, Action, Resource, Condition } = properties.Statement;
        found.push([bus, { Statement: [{ Sid, Effect, Principal, Action, Resource: Resource ?? bus, Condition }] }]);
      }
      break;
    }
    case 'AWS::Events::EventBus':
      if (properties.Policy !== undefined)
        found.push([attributes.Arn ?? regional('events', `event-bus/${ref}`), properties.Policy]);
      break;
    case 'AWS::Lambda::Permission': {
      const name = String(properties.FunctionName).replace(/^arn:[^:]+:lambda:[^:]+:\d+:function:/, '');
      const arn = regional('lambda', `function:${name}`);
      const principal = String(properties.Principal);
      const isService = principal.includes('.');
      found.push([
        arn.replace(/^((?:[^:]+:){6}[^:]+):.*$/, '$1'),
        {
          Statement: [
            {
              Effect: 'Allow',
              Action: properties.Action,
              Resource: arn,
              Principal: principal === '*' ? '*' : isService ? { Service: principal } : { AWS: principal },
              Condition: {
                ...(properties.SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': properties.SourceArn } }),
                ...(properties.SourceAccount !== undefined && {
                  StringEquals: { 'aws:SourceAccount': properties.SourceAccount },
                }),
              },
            },
          ],
        },
      ]);
      break;
    }
  }
  return found;
}
