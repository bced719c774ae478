import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Athena, createAthena } from '../athena/athena.ts';
import { createDuckDb, type DuckDb } from '../athena/duckdb.ts';
import { athenaResources } from '../athena/resources.ts';
import { type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import { createDynamoDb, type DynamoDbService } from '../dynamodb/dynamodb.ts';
import { dynamoDbResources } from '../dynamodb/resources.ts';
import { createEventBridge, type EventBridge } from '../eventbridge/eventbridge.ts';
import { eventBridgeResources } from '../eventbridge/resources.ts';
import { createFirehose, type Firehose } from '../firehose/firehose.ts';
import { firehoseResources } from '../firehose/resources.ts';
import { createGlue } from '../glue/glue.ts';
import { glueResources } from '../glue/resources.ts';
import type { Journal } from '../journal.ts';
import { createKinesis, type Kinesis } from '../kinesis/kinesis.ts';
import { kinesisResources } from '../kinesis/resources.ts';
import { createLambda, type Lambda, type LambdaOptions } from '../lambda/lambda.ts';
import { keptCheckpoints } from '../lambda/polling/kept-checkpoints.ts';
import { lambdaResources } from '../lambda/resources.ts';
import { createPipes, type Pipes } from '../pipes/pipes.ts';
import { pipesResources } from '../pipes/resources.ts';
import type { ResourceProvider } from '../resource.ts';
import { s3Resources } from '../s3/resources.ts';
import { createS3, type S3 } from '../s3/s3.ts';
import { sqsResources } from '../sqs/resources.ts';
import { createSqs, type Sqs } from '../sqs/sqs.ts';
import { stepFunctionsResources } from '../stepfunctions/resources.ts';
import { createStepFunctions } from '../stepfunctions/service.ts';
import { HostError } from './errors.ts';

export interface Services {
  readonly dynamodb: DynamoDbService;
  readonly kinesis: Kinesis;
  readonly sqs: Sqs;
  readonly events: EventBridge;
  readonly lambda: Lambda;
  readonly pipes: Pipes;
  readonly states: Service;
  readonly s3: S3;
  readonly firehose: Firehose;
  readonly glue: Service;
  readonly athena: Athena;
  /** SQL and Parquet, for delivery streams and Athena. */
  readonly duckdb: DuckDb;
}

export interface ServicesOptions {
  /** Where S3 keeps its files, and with a journal the other services too. */
  readonly dir: string;
  /** Where every change is written down. Default: all but S3 is in memory. */
  readonly journal: Journal | undefined;
  readonly log: LambdaOptions['log'];
  /** From where the project's packages are looked up. */
  readonly appDirectory: string | undefined;
  /** No delivery stream's buffer waits longer. */
  readonly deliverWithinMs: number | undefined;
}

/** Every service of the runtime; each registers itself with the cloud. Readers of feeds are woken by them instead of polling each second. */
export function createServices(cloud: Cloud, options: ServicesOptions): Services {
  const { journal } = options;
  const kept = journal === undefined ? {} : { journal };
  const keptIn = (name: string) => (journal === undefined ? {} : { dir: join(options.dir, name) });
  const checkpoints = (name: string) => (journal === undefined ? {} : { checkpoints: keptCheckpoints(journal, name) });
  const kinesis = createKinesis(cloud, kept);
  const dynamodb = createDynamoDb(cloud, kept);
  const sqs = createSqs(cloud, kept);
  const sources = { kinesis, dynamodb, sqs };
  const s3 = createS3(cloud, { dir: join(options.dir, 's3') });
  const duckdb = createDuckDb(s3);
  return {
    dynamodb,
    kinesis,
    sqs,
    events: createEventBridge(cloud, kept),
    lambda: createLambda(cloud, {
      sources,
      ...kept,
      ...checkpoints('lambda.mappings'),
      ...(options.log !== undefined && { log: options.log }),
      ...(options.appDirectory !== undefined && { appDirectory: options.appDirectory }),
    }),
    pipes: createPipes(cloud, { sources, ...checkpoints('pipes') }),
    states: createStepFunctions(cloud, kept),
    s3,
    firehose: createFirehose(cloud, {
      duckdb,
      ...keptIn('firehose'),
      watch: (streamName, wake) => kinesis.onRecords(streamName, wake),
      ...(options.deliverWithinMs !== undefined && { maxIntervalMs: options.deliverWithinMs }),
    }),
    glue: createGlue(cloud, keptIn('glue')),
    athena: createAthena(cloud, { s3, duckdb, ...keptIn('athena') }),
    duckdb,
  };
}

/** The policy that hangs on a resource now, from the service that keeps it. */
export function resourcePolicyOf(services: Services, arn: string): Json | undefined {
  const [, , service, , , ...rest] = arn.split(':');
  const resource = rest.join(':');
  switch (service) {
    case 'dynamodb':
      return resource.includes('/stream/') ? undefined : services.dynamodb.resourcePolicyOf(arn);
    case 'sqs':
      return services.sqs.queuePolicyOf(arn);
    case 's3':
      return services.s3.bucketPolicyOf(resource);
    case 'lambda':
      return policyOfFunction(services.lambda, resource);
    case 'events':
      return resource.startsWith('event-bus/') ? services.events.busPolicyOf(arn) : undefined;
    default:
      return undefined; // the other services keep none here
  }
}

/** Of a function that isn't there the service itself will say so. */
function policyOfFunction(lambda: Lambda, resource: string): Json | undefined {
  const [kind, name] = resource.split(':');
  if (kind !== 'function' || name === undefined) return undefined;
  try {
    return lambda.resourcePolicy(name);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** Ends what runs by itself: readers first, then what they call. */
export async function stopServices(services: Services): Promise<void> {
  services.pipes.stop();
  services.firehose.close();
  await services.lambda.stop();
  services.athena.close();
  services.duckdb.close();
  services.s3.close();
}

/** The resource types that the services bring. */
export const SERVICE_RESOURCES: readonly ResourceProvider[] = [
  ...dynamoDbResources,
  ...kinesisResources,
  ...sqsResources,
  ...eventBridgeResources,
  ...lambdaResources,
  ...pipesResources,
  ...stepFunctionsResources,
  ...s3Resources,
  ...firehoseResources,
  ...glueResources,
  ...athenaResources,
];

/** The packages that only some templates need, said before anything is made: npm can leave them out (`--omit=optional`). */
export function requirePackages(types: ReadonlySet<string>): void {
  if (!types.has('AWS::Athena::WorkGroup') && !types.has('AWS::KinesisFirehose::DeliveryStream')) return;
  try {
    createRequire(import.meta.url).resolve('@duckdb/node-api');
  } catch (cause) {
    const purpose = 'it writes Parquet and answers SQL';
    throw new HostError('local.missingPackage', { name: '@duckdb/node-api', version: '1.5.5-r.5', purpose }, { cause });
  }
}
