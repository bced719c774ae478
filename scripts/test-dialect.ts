/**
 * `npm run test:dialect`: every view and saved query of the templates, and every query of the guide, by Trino's own parser,
 * which needs Java 17. It is fetched by Maven once, into .cache/. Without Java or Maven it says so and ends well, or badly with
 * --require.
 */
import { spawnSync } from 'node:child_process';
import { trinoParser } from './trino-parser.ts';

const parser = trinoParser();
if (typeof parser === 'string') {
  console.log(`test:dialect needs ${parser}, which is not here: no query was parsed, nothing was tested.`);
  if (process.argv.includes('--require')) process.exitCode = 1;
} else {
  const options = ['vitest', 'run', 'test/dialect', ...process.argv.slice(2).filter((one) => one !== '--require')];
  const tests = spawnSync('npx', options, {
    stdio: 'inherit',
    env: { ...process.env, TRINO_PARSER: parser.classPath },
  });
  process.exitCode = tests.status ?? 1;
}
