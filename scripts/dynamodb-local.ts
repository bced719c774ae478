import { spawn, spawnSync } from 'node:child_process';
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

export interface DynamoDbLocal {
  readonly endpoint: string;
  readonly pid: number;
  stop(): void;
}

/**
 * Starts DynamoDB Local, AWS's own emulator, which needs Java 17; Maven fetches it once, into .cache/. What is missing for
 * that is answered as text.
 */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal | 'Java' | 'Maven'> {
  if (!has('java', '-version')) return 'Java';
  if (!existsSync(JARS) || readdirSync(JARS).length === 0) {
    if (!has('mvn', '--version')) return 'Maven';
    fetchJars();
  }
  const port = await freePort();
  const main = 'software.amazon.dynamodb.services.local.main.ServerRunner';
  const options = ['-cp', path.join(JARS, '*'), main, '-inMemory', '-port', String(port), '-disableTelemetry'];
  const server = spawn('java', options, { stdio: ['ignore', 'ignore', 'inherit'] });
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await answering(() => server.exitCode, endpoint);
  } catch (error) {
    server.kill();
    throw error;
  }
  return { endpoint, pid: server.pid!, stop: () => void server.kill() };
}

function has(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
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
async function answering(exitCode: () => number | null, endpoint: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 200) {
    if (exitCode() !== null) throw new Error(`DynamoDB Local ended with ${exitCode()}`);
    try {
      await fetch(endpoint);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error('DynamoDB Local did not answer within a minute');
}
