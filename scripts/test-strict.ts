/**
 * `npm run test:strict`: the storage contract on DynamoDB Local, AWS's own emulator, which needs Java 17. It is fetched by
 * Maven once, into .cache/. Without Java or Maven it says so and ends well, or badly with --require.
 */
import { spawnSync } from 'node:child_process';
import { startDynamoDbLocal } from './dynamodb-local.ts';

/** Whose tests ask the endpoint that they are given; those of the embedded DynamoDB beside them are `npm test`'s. */
const ASKED = ['client', 'dynamodb-local', 'race', 'read', 'torture'].map((name) => `test/contract/${name}.test.ts`);
const ASKING = ['--testNamePattern', 'DynamoDB Local'];
/** It lives for minutes: what the optimizing compiler would do costs more than it gives, half of its time where cores are few. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1'];

await main();

async function main(): Promise<void> {
  const local = await startDynamoDbLocal(SHORT_LIVED);
  if (typeof local === 'string') return without(local);
  try {
    // It is slower than the embedded one, by ten times where cores are few.
    const options = ['run', ...ASKED, ...ASKING, '--testTimeout=600000', ...process.argv.slice(2).filter(isOurs)];
    const tests = spawnSync('npx', ['vitest', ...options], {
      stdio: 'inherit',
      env: { ...process.env, DYNAMODB_ENDPOINT: local.endpoint },
    });
    process.exitCode = tests.status ?? 1;
  } finally {
    local.stop();
  }
}

function isOurs(argument: string): boolean {
  return argument !== '--require';
}

function without(what: string): void {
  const required = process.argv.includes('--require');
  console.log(`test:strict needs ${what}, which is not here: DynamoDB Local was not started, nothing was tested.`);
  if (required) process.exitCode = 1;
}
