/**
 * `npm run test:strict`: the storage contract on DynamoDB Local, AWS's own emulator, which needs Java 17. It is fetched by
 * Maven once, into .cache/. Without Java or Maven it says so and ends well, or badly with --require.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

const VERSION = '3.1.0';
const CACHE = path.resolve('.cache', `dynamodb-local-${VERSION}`);
const JARS = path.join(CACHE, 'jars');

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>daybook</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>software.amazon.dynamodb</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

await main();

async function main(): Promise<void> {
  if (!has('java', '-version')) return without('Java');
  if (!existsSync(JARS) || readdirSync(JARS).length === 0) {
    if (!has('mvn', '--version')) return without('Maven');
    fetchJars();
  }
  const port = await freePort();
  const server = spawn(
    'java',
    [
      '-cp',
      path.join(JARS, '*'),
      'software.amazon.dynamodb.services.local.main.ServerRunner',
      '-inMemory',
      '-port',
      String(port),
      '-disableTelemetry',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await answering(server, endpoint);
    // It is slower than the embedded one, by ten times where cores are few.
    const options = ['run', 'test/contract', '--testTimeout=600000', ...process.argv.slice(2).filter(isOurs)];
    const tests = spawnSync('npx', ['vitest', ...options], {
      stdio: 'inherit',
      env: { ...process.env, DYNAMODB_ENDPOINT: endpoint },
    });
    process.exitCode = tests.status ?? 1;
  } finally {
    server.kill();
  }
}

function isOurs(argument: string): boolean {
  return argument !== '--require';
}

function has(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
}

function without(what: string): void {
  const required = process.argv.includes('--require');
  console.log(`test:strict needs ${what}, which is not here: DynamoDB Local was not started, nothing was tested.`);
  if (required) process.exitCode = 1;
}

function fetchJars(): void {
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(path.join(CACHE, 'pom.xml'), POM);
  console.log(`fetching DynamoDB Local ${VERSION} by Maven, once`);
  const copied = spawnSync(
    'mvn',
    ['--batch-mode', '--quiet', 'dependency:copy-dependencies', `-DoutputDirectory=${JARS}`],
    { cwd: CACHE, stdio: 'inherit' },
  );
  if (copied.status !== 0) throw new Error(`Maven could not fetch DynamoDB Local ${VERSION}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Any answer, a refusal too, says that it is up. */
async function answering(server: ChildProcess, endpoint: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 200) {
    if (server.exitCode !== null) throw new Error(`DynamoDB Local ended with ${server.exitCode}`);
    try {
      await fetch(endpoint);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error('DynamoDB Local did not answer within a minute');
}
