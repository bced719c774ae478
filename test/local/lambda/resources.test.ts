import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Json, ROOT } from '../../../local/cloud.ts';
import { lambdaResources } from '../../../local/lambda/resources.ts';
import type { ResourceContext } from '../../../local/resource.ts';
import { hostLambda } from './hosted-lambda.ts';

const app = mkdtempSync(join(tmpdir(), 'daybook-app-'));
mkdirSync(join(app, 'node_modules/@native/db'), { recursive: true });
writeFileSync(join(app, 'node_modules/@native/db/index.js'), 'module.exports = "native";');
const hosted = hostLambda({ appDirectory: app });
const { cloud, lambda, invoke } = hosted;
afterAll(() => hosted.stop());

function create(type: string, logicalId: string, properties: Json, asset = '') {
  const context: ResourceContext = {
    cloud,
    stackName: 'Bank',
    logicalId,
    generatedName: `Bank-${logicalId}-ABC`,
    assetPath: () => asset,
    caller: ROOT,
  };
  return lambdaResources.find((provider) => provider.type === type)!.create(properties, context);
}

describe('the resource types', () => {
  it('makes a function with a layer that was not bundled, permissions, a version, an alias and its async settings', async () => {
    const layer = mkdtempSync(join(tmpdir(), 'daybook-layer-'));
    writeFileSync(join(layer, 'package.json'), '{"dependencies":{"@native/db":"1.0.0"}}');
    const code = mkdtempSync(join(tmpdir(), 'daybook-code-'));
    writeFileSync(
      join(code, 'index.mjs'),
      'import db from "@native/db"; export const handler = async () => [db, process.env.TABLE, process.env.AWS_LAMBDA_FUNCTION_VERSION];',
    );
    const { ref: layerArn } = await create('AWS::Lambda::LayerVersion', 'Layer', { Content: {} }, layer);
    expect(layerArn).toBe('arn:aws:lambda:us-east-1:000000000000:layer:Bank-Layer-ABC:1');
    const made = await create(
      'AWS::Lambda::Function',
      'Enrich',
      {
        Code: { S3Bucket: 'assets', S3Key: 'x.zip' },
        Handler: 'index.handler',
        Runtime: 'nodejs22.x',
        Architectures: ['arm64'],
        Role: 'arn:aws:iam::000000000000:role/r',
        Environment: { Variables: { TABLE: 'events' } },
        Layers: [layerArn],
        Timeout: 60,
        ReservedConcurrentExecutions: 3,
        LoggingConfig: { LogGroup: 'mine', LogFormat: 'Text' },
      },
      code,
    );
    expect(made).toEqual({
      ref: 'Bank-Enrich-ABC',
      attributes: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:Bank-Enrich-ABC' },
    });
    expect((await invoke(made.ref)).body).toEqual(['native', 'events', '$LATEST']);

    const version = await create('AWS::Lambda::Version', 'Version', { FunctionName: made.ref });
    expect(version.attributes.Version).toBe('1');
    const alias = await create('AWS::Lambda::Alias', 'Alias', {
      FunctionName: made.ref,
      FunctionVersion: '1',
      Name: 'live',
    });
    expect(await invoke(alias.ref)).toMatchObject({ ExecutedVersion: '1', body: ['native', 'events', '1'] });
    await expect(invoke(`${made.ref}:9`)).rejects.toMatchObject({ code: 'ResourceNotFoundException', status: 404 });

    const rule = 'arn:aws:events:us-east-1:000000000000:rule/r';
    await create('AWS::Lambda::Permission', 'Allow', {
      FunctionName: made.attributes.Arn,
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: rule,
    });
    expect(lambda.resourcePolicy(made.ref)).toEqual({
      Version: '2012-10-17',
      Id: 'default',
      Statement: [
        {
          Sid: 'Bank-Allow-ABC',
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'lambda:InvokeFunction',
          Resource: made.attributes.Arn,
          Condition: { ArnLike: { 'AWS:SourceArn': rule } },
        },
      ],
    });
    await create('AWS::Lambda::EventInvokeConfig', 'Async', {
      FunctionName: made.ref,
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 0,
    });
    const call = (operation: string) => cloud.call(ROOT, 'lambda', operation, { FunctionName: made.ref });
    expect(await call('GetFunctionEventInvokeConfig')).toMatchObject({
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 21600,
    });
    expect(await call('GetFunction')).toMatchObject({
      Configuration: {
        FunctionName: made.ref,
        Runtime: 'nodejs22.x',
        Timeout: 60,
        State: 'Active',
        Architectures: ['arm64'],
        LoggingConfig: { LogGroup: 'mine' },
        Environment: { Variables: { TABLE: 'events' } },
        CodeSize: expect.any(Number),
      },
      Concurrency: { ReservedConcurrentExecutions: 3 },
    });
  });

  it('takes inline code as index.js', async () => {
    const made = await create('AWS::Lambda::Function', 'Inline', {
      Code: { ZipFile: 'exports.handler = async (event) => event.n * 3;' },
      Handler: 'index.handler',
      Runtime: 'nodejs20.x',
      Role: 'r',
    });
    expect((await invoke(made.ref, { n: 2 })).body).toBe(6);
  });

  it('does not know SnapStart, VPCs, images or other languages', async () => {
    const properties = lambdaResources.find((provider) => provider.type === 'AWS::Lambda::Function')!;
    for (const name of ['SnapStart', 'VpcConfig', 'ImageConfig', 'FileSystemConfigs']) {
      expect(properties.properties).not.toContain(name);
      expect(properties.without).not.toHaveProperty(name);
    }
    await expect(create('AWS::Lambda::Function', 'Image', { Code: { ImageUri: 'x' } })).rejects.toThrow('ImageUri');
    await expect(
      create('AWS::Lambda::Function', 'Python', { Code: { ZipFile: '' }, Runtime: 'python3.12' }),
    ).rejects.toThrow('python3.12');
  });
});
