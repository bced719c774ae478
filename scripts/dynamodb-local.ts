import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fetchJars } from './maven.ts';

export interface DynamoDbLocal {
  readonly endpoint: string;
  readonly pid: number;
  stop(): void;
}

/**
 * Starts DynamoDB Local, AWS's own emulator, which needs Java 17; Maven fetches it once, into .cache/. What is missing for
 * that is answered as text.
 *
 * @param javaOptions options of Java's own; default: none
 */
export async function startDynamoDbLocal(
  javaOptions: readonly string[] = [],
): Promise<DynamoDbLocal | 'Java' | 'Maven'> {
  const jars = fetchJars({
    title: 'DynamoDB Local',
    groupId: 'software.amazon.dynamodb',
    artifactId: 'DynamoDBLocal',
    version: '3.1.0',
  });
  if (typeof jars === 'string') return jars;
  const port = await freePort();
  const main = 'software.amazon.dynamodb.services.local.main.ServerRunner';
  const options = [
    ...javaOptions,
    '-cp',
    jars.classPath,
    main,
    '-inMemory',
    '-port',
    String(port),
    '-disableTelemetry',
  ];
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
