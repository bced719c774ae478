import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocal } from '../../local/index.ts';
import { LOCAL_ROLE } from './role.ts';
import type { Target } from './suite.ts';

/** The embedded runtime with nothing deployed in it but a role, behind its HTTP port. */
export async function startEmbedded(): Promise<Target & { stop(): Promise<void> }> {
  const assembly = mkdtempSync(join(tmpdir(), 'daybook-conformance-'));
  const stack = {
    type: 'aws:cloudformation:stack',
    environment: 'aws://unknown-account/unknown-region',
    properties: { templateFile: 'template.json' },
  };
  writeFileSync(
    join(assembly, 'manifest.json'),
    JSON.stringify({ version: '48.0.0', artifacts: { Conformance: stack } }),
  );
  writeFileSync(join(assembly, 'template.json'), JSON.stringify({ Resources: { Role: roleForAll() } }));
  const runtime = await startLocal({ assembly, deliverWithinMs: 500 });
  return {
    name: 'the embedded runtime',
    isEmbedded: true,
    config: configOf(runtime.endpoint),
    async stop() {
      await runtime.stop();
      rmSync(assembly, { recursive: true, force: true });
    },
  };
}

function roleForAll() {
  const statement = (more: object) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] });
  const services = ['lambda', 'firehose', 'pipes', 'states', 'events'].map((name) => `${name}.amazonaws.com`);
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: LOCAL_ROLE,
      AssumeRolePolicyDocument: statement({ Action: 'sts:AssumeRole', Principal: { Service: services } }),
      Policies: [{ PolicyName: 'all', PolicyDocument: statement({ Action: '*', Resource: '*' }) }],
    },
  };
}

/** What the SDK's clients take. Nothing is retried: a case sees the first answer. */
export function configOf(endpoint: string | undefined) {
  const region = process.env.AWS_REGION ?? 'us-east-1';
  if (endpoint === undefined) return { region, maxAttempts: 1 };
  const { AWS_ACCESS_KEY_ID: accessKeyId = 'local', AWS_SECRET_ACCESS_KEY: secretAccessKey = 'local' } = process.env;
  return { region, endpoint, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1, forcePathStyle: true };
}
