import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocal } from '../../local/index.ts';
import type { Target } from './suite.ts';

/** The embedded runtime with nothing deployed in it, behind its HTTP port. */
export async function startEmbedded(): Promise<Target & { stop(): Promise<void> }> {
  const assembly = mkdtempSync(join(tmpdir(), 'daybook-conformance-'));
  writeFileSync(join(assembly, 'manifest.json'), JSON.stringify({ version: '48.0.0', artifacts: {} }));
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

/** What the SDK's clients take. Nothing is retried: a case sees the first answer. */
export function configOf(endpoint: string | undefined) {
  const region = process.env.AWS_REGION ?? 'us-east-1';
  if (endpoint === undefined) return { region, maxAttempts: 1 };
  const { AWS_ACCESS_KEY_ID: accessKeyId = 'local', AWS_SECRET_ACCESS_KEY: secretAccessKey = 'local' } = process.env;
  return { region, endpoint, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1, forcePathStyle: true };
}
