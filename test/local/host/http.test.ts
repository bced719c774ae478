import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  CreateStreamCommand,
  KinesisClient,
  PutRecordsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Caller, createCloud, type Json } from '../../../local/cloud.ts';
import { createCloudFormation, createSts } from '../../../local/host/cloudformation.ts';
import { type HttpFront, startHttp } from '../../../local/host/http.ts';
import { crc32 } from '../../../local/host/http-json.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { credentialsFor } from '../../../local/lambda/credentials.ts';
import { handleS3Request } from '../../../local/s3/http.ts';
import { createS3 } from '../../../local/s3/s3.ts';

const ROLE = 'arn:aws:iam::000000000000:role/reader';
const dir = mkdtempSync(join(tmpdir(), 'daybook-http-'));
const kernel = realKernel();
const cloud = createCloud(kernel);
const callers: Caller[] = [];
const defects: unknown[] = [];
let front: HttpFront;

beforeAll(async () => {
  createKinesis(cloud);
  const s3 = createS3(cloud, { dir });
  cloud.register(s3);
  cloud.register(createSts(cloud.account));
  cloud.register({
    name: 'glue', // a service with a defect
    handle: () => {
      throw new TypeError('undefined is not a function');
    },
  });
  cloud.register(
    createCloudFormation(() => [
      {
        stackName: 'Bank',
        stackId: 'arn:stack',
        description: 'A <bank> & more',
        template: { Resources: {} },
        parameters: {},
        tags: {},
        createdAt: 0,
        outputs: [{ key: 'Table', value: 'events-1', description: undefined, exportName: undefined }],
        resources: [],
      },
    ]),
  );
  cloud.setAuthorize((caller) => void callers.push(caller));
  front = await startHttp({
    cloud,
    roleOfAccessKey: (key) => (key === credentialsFor(ROLE).accessKeyId ? ROLE : undefined),
    s3: (request, caller) => handleS3Request(request, (operation, input) => cloud.call(caller, 's3', operation, input)),
    defect: (error) => defects.push(error),
  });
});

afterAll(async () => {
  await front.stop();
  kernel.stop();
  rmSync(dir, { recursive: true, force: true });
});

const config = (accessKeyId = 'local') => ({
  endpoint: front.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey: 'secret' },
  maxAttempts: 1,
});

/** One raw request, headers as they are given: fetch would not let Host and Origin through. */
function raw(options: {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}): Promise<{ status: number; headers: Json; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port: front.port,
        method: options.method ?? 'POST',
        path: options.path ?? '/',
        headers: options.headers ?? {},
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

describe('who may ask', () => {
  it.each([
    ['a foreign Host', { host: 'evil.example:80' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
  ])('not %s', async (_name, headers) => {
    const answer = await raw({ headers: { 'x-amz-target': 'Kinesis_20131202.ListStreams', ...headers }, body: '{}' });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({
      __type: 'AccessDenied',
      message: expect.stringContaining('this machine only'),
    });
  });

  it.each(['localhost', '127.0.0.1', '[::1]', 'bucket.localhost:1'])('Host %s', async (host) => {
    const answer = await raw({ headers: { 'x-amz-target': 'Kinesis_20131202.ListStreams', host }, body: '{}' });
    expect(answer.status).toBe(200);
  });

  it('the access key says as which role; the signature is not looked at', async () => {
    const { accessKeyId } = credentialsFor(ROLE);
    const create = (name: string) => new CreateStreamCommand({ StreamName: name, ShardCount: 1 });
    await new KinesisClient(config(accessKeyId)).send(create('by-role'));
    expect(callers.at(-1)).toEqual({ principal: ROLE });
    await new KinesisClient(config('AKIASOMEBODY')).send(create('by-root'));
    expect(callers.at(-1)).toEqual({ principal: 'root' });
  });
});

describe('the JSON protocol', () => {
  it('carries an SDK’s calls and its errors', async () => {
    const client = new KinesisClient(config());
    await client.send(new CreateStreamCommand({ StreamName: 'feed', ShardCount: 1 }));
    const Records = [{ PartitionKey: 'a', Data: Buffer.from('{"n":1}') }];
    const answer = await client.send(new PutRecordsCommand({ StreamName: 'feed', Records }));
    expect(answer).toMatchObject({ FailedRecordCount: 0, Records: [{ ShardId: 'shardId-000000000000' }] });
    expect(answer.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
    const failed = client.send(new PutRecordsCommand({ StreamName: 'nothing', Records }));
    await expect(failed).rejects.toBeInstanceOf(ResourceNotFoundException);
  });

  it.each([
    ['an unknown operation', { 'x-amz-target': 'Kinesis_20131202.MakeCoffee' }, '{}', 400, /MakeCoffee/],
    [
      'a subscription, which answers with an event stream',
      { 'x-amz-target': 'Kinesis_20131202.SubscribeToShard' },
      '{}',
      400,
      /not spoken here: map a function to the consumer/,
    ],
    [
      'an unknown service',
      { 'x-amz-target': 'AmazonSSM.GetParameter' },
      '{}',
      400,
      /AmazonSSM\.GetParameter is not hosted/,
    ],
    ['a body that is not JSON', { 'x-amz-target': 'Kinesis_20131202.ListStreams' }, '{', 400, /not valid JSON/],
    ['CBOR', { 'smithy-protocol': 'rpc-v2-cbor' }, '', 400, /not CBOR/],
    [
      'another service’s signature',
      { authorization: 'AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/ssm/aws4_request' },
      '',
      404,
      /ssm is not hosted/,
    ],
  ])('refuses %s by name', async (_name, headers, body, status, message) => {
    const answer = await raw({
      headers: { 'content-type': 'application/x-amz-json-1.1', ...headers } as Record<string, string>,
      body,
    });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).message).toMatch(message);
  });

  it('tells a defect of the runtime apart from a service’s error, and reports it', async () => {
    const answer = await raw({
      headers: { 'x-amz-target': 'AWSGlue.GetTables', 'content-type': 'application/x-amz-json-1.1' },
      body: '{}',
    });
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toMatchObject({
      __type: 'InternalFailure',
      message: expect.stringContaining('TypeError'),
    });
    expect(defects).toHaveLength(1);
  });

  it('refuses a body that is too large, before it is read', async () => {
    const headers = {
      'x-amz-target': 'Kinesis_20131202.PutRecord',
      'content-length': String(64 * 1024 * 1024),
      expect: '100-continue',
    };
    const status = await new Promise((resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port: front.port, method: 'POST', headers }, (answer) => {
        resolve(answer.statusCode);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it('refuses a body that says nothing of its size and is too large', async () => {
    const headers = { 'x-amz-target': 'Kinesis_20131202.PutRecord', 'transfer-encoding': 'chunked' };
    const answer = await raw({ headers, body: 'x'.repeat(33 * 1024 * 1024) });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text).message).toContain('over 33554432 bytes');
  });

  it('a client that goes away is no defect', async () => {
    const before = defects.length;
    const sent = httpRequest({
      host: '127.0.0.1',
      port: front.port,
      method: 'POST',
      headers: { 'content-length': '100' },
    });
    sent.on('error', () => {});
    sent.write('half');
    await vi.waitFor(() => expect(front.inFlight()).toBe(1));
    sent.destroy();
    await vi.waitFor(() => expect(front.inFlight()).toBe(0));
    expect(defects).toHaveLength(before);
  });

  it('has the checksum that DynamoDB’s clients compare', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926); // the check value of CRC-32/ISO-HDLC
  });
});

describe('S3', () => {
  it('keeps a key as it is written', async () => {
    const client = new S3Client(config());
    await client.send(new CreateBucketCommand({ Bucket: 'archive' }));
    const Key = 'a//../b c+é/%25';
    await client.send(new PutObjectCommand({ Bucket: 'archive', Key, Body: 'hello' }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'archive', Key }));
    expect(await Body?.transformToString()).toBe('hello');
  });
});

describe('the query protocol', () => {
  it('describes stacks to an SDK', async () => {
    const client = new CloudFormationClient(config());
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'Bank' }));
    expect(Stacks).toMatchObject([
      {
        StackName: 'Bank',
        StackStatus: 'CREATE_COMPLETE',
        Description: 'A <bank> & more',
        Outputs: [{ OutputKey: 'Table', OutputValue: 'events-1' }],
      },
    ]);
    const missing = client.send(new DescribeStacksCommand({ StackName: 'Other' }));
    await expect(missing).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id Other does not exist',
    });
  });

  it('says who calls', async () => {
    const { accessKeyId } = credentialsFor(ROLE);
    const answer = await raw({
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    });
    expect(answer.text).toContain('<Arn>arn:aws:sts::000000000000:assumed-role/reader/local</Arn>');
    expect(answer.text).toContain('<Account>000000000000</Account>');
  });

  it('is refused by name for services that speak JSON here', async () => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sqs/aws4_request',
    };
    const answer = await raw({ headers, body: 'Action=ListQueues&Version=2012-11-05' });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/<Code>InvalidAction<\/Code><Message>The query protocol of sqs \(ListQueues\)/);
  });
});

describe('the port', () => {
  it('that is taken is named', async () => {
    const again = startHttp({
      cloud,
      port: front.port,
      roleOfAccessKey: () => undefined,
      s3: async () => ({ status: 200, headers: {}, body: '' }),
      defect() {},
    });
    await expect(again).rejects.toMatchObject({
      code: 'local.port',
      message: expect.stringContaining(String(front.port)),
    });
  });
});
