import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

const VERSION = '0.6.2';
const CACHE = path.resolve('.cache', `kinesis-local-${VERSION}`);
const MAIN = path.join(CACHE, 'node_modules', 'kinesis-local', 'main.js');
/** Its ports: HTTPS on the first, HTTP on the second. */
const [TLS, PLAIN] = [45_671, 45_672];

/** Starts kinesis-local (kinesis-mock, one file without dependencies); npm fetches it once, into .cache/. */
export async function startKinesisLocal(): Promise<{ endpoint: string; pid: number; stop(): void }> {
  if (!existsSync(MAIN)) {
    mkdirSync(CACHE, { recursive: true });
    console.log(`fetching kinesis-local ${VERSION} by npm, once`);
    const options = ['install', '--prefix', CACHE, '--no-save', '--ignore-scripts', `kinesis-local@${VERSION}`];
    if (spawnSync('npm', options, { stdio: 'inherit' }).status !== 0)
      throw new Error(`npm could not fetch kinesis-local ${VERSION}`);
  }
  const ports = { KINESIS_MOCK_TLS_PORT: String(TLS), KINESIS_MOCK_PLAIN_PORT: String(PLAIN), LOG_LEVEL: 'ERROR' };
  const server = spawn(process.execPath, [MAIN], {
    cwd: path.dirname(MAIN),
    env: { ...process.env, ...ports },
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${PLAIN}`;
  for (let waited = 0; waited < 60_000; waited += 200) {
    if (server.exitCode !== null) throw new Error(`kinesis-local ended with ${server.exitCode}`);
    try {
      await fetch(endpoint); // any answer, a refusal too, says that it is up
      return { endpoint, pid: server.pid!, stop: () => void server.kill() };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  server.kill();
  throw new Error('kinesis-local did not answer within a minute');
}
