import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readAssembly } from '../../../local/host/assembly.ts';

vi.stubEnv('CDK_VALIDATION', 'false'); // these templates are for reading, not for AWS

let outdir: string;
beforeEach(() => {
  outdir = mkdtempSync(join(tmpdir(), 'daybook-assembly-'));
});
afterEach(() => rmSync(outdir, { recursive: true }));

const makeApp = () => new App({ outdir, analyticsReporting: false });

describe('a cloud assembly', () => {
  it('gives its stacks after those that they need, with their construct paths', () => {
    const app = makeApp();
    const user = new Stack(app, 'AUser');
    const owner = new Stack(app, 'BOwner', { stackName: 'owner-of-queues' });
    const queue = new CfnQueue(owner, 'Queue');
    new CfnOutput(user, 'Arn', { value: queue.attrArn });
    app.synth();
    const assembly = readAssembly(outdir);
    expect(assembly.stacks.map(({ stackName }) => stackName)).toEqual(['owner-of-queues', 'AUser']);
    expect(assembly.stacks[0]!.paths.get('Queue')).toBe('BOwner/Queue');
    expect(assembly.account).toEqual({ accountId: '000000000000', region: 'us-east-1' });
  });

  it('finds the stacks of a Stage, and nested stacks’ templates as assets', () => {
    const app = makeApp();
    const stack = new Stack(new Stage(app, 'Live'), 'Bank');
    new CfnQueue(new NestedStack(stack, 'Inner'), 'Queue');
    app.synth();
    const [only] = readAssembly(outdir).stacks;
    expect(only?.stackName).toBe('Live-Bank');
    expect(Object.values(only?.template.Resources)).toMatchObject([{ Type: 'AWS::CloudFormation::Stack' }]);
  });

  it('knows where an asset lies, by the bucket and key that the template names', () => {
    const file = join(outdir, 'hello.txt');
    writeFileSync(file, 'hello');
    const app = makeApp();
    const asset = new Asset(new Stack(app, 'Bank'), 'File', { path: file });
    const key = asset.s3ObjectKey;
    app.synth();
    const assembly = readAssembly(outdir);
    const bucket = 'cdk-hnb659fds-assets-000000000000-us-east-1';
    expect(readFileSync(assembly.assetPath(bucket, key), 'utf8')).toBe('hello');
    expect(() => assembly.assetPath(bucket, 'other.zip')).toThrow(
      `No asset of the assembly was synthesized to s3://${bucket}/other.zip`,
    );
  });

  it('takes account and region from the stacks, which must agree', () => {
    const app = makeApp();
    new Stack(app, 'One', { env: { account: '111122223333', region: 'eu-central-1' } });
    app.synth();
    expect(readAssembly(outdir).account).toEqual({ accountId: '111122223333', region: 'eu-central-1' });
    new Stack(app, 'Two', { env: { account: '111122223333', region: 'eu-west-1' } });
    app.synth({ force: true });
    expect(() => readAssembly(outdir)).toThrow(/111122223333\/eu-central-1, 111122223333\/eu-west-1/);
  });

  it('is told from any other folder', () => {
    expect(() => readAssembly(outdir)).toThrow(/holds no manifest\.json/);
  });
});
