/**
 * `npm run conformance -- [--endpoint URL | aws | dynamodb-local] [--service NAME]… [--record]`: every documented behaviour,
 * asked of the embedded runtime or of whatever answers at the endpoint. Ends with 1 when something differs. `dynamodb-local`
 * is started here, and asked about DynamoDB only.
 */
import { parseArgs } from 'node:util';
import { startDynamoDbLocal } from '../../scripts/dynamodb-local.ts';
import { record } from './dynamodb/record.ts';
import { configOf, startEmbedded } from './embedded.ts';
import { judge, type Target, type Verdict } from './suite.ts';
import { SUITES } from './suites.ts';

const { values } = parseArgs({
  options: {
    endpoint: { type: 'string' },
    service: { type: 'string', multiple: true },
    record: { type: 'boolean', default: false },
  },
});

const unknown = values.service?.find((name) => !SUITES.some(({ service }) => service === name));
if (unknown !== undefined) {
  console.error(`There is no suite '${unknown}'; there are ${SUITES.map(({ service }) => service).join(', ')}.`);
  process.exit(2);
}

const embedded = values.endpoint === undefined || values.record ? await startEmbedded() : undefined;
const local = values.endpoint === 'dynamodb-local' ? await startDynamoDbLocal() : undefined;
if (typeof local === 'string') {
  console.error(`DynamoDB Local needs ${local}, which is not here.`);
  process.exit(2);
}
const services = local === undefined ? values.service : ['dynamodb'];
const endpoint = local?.endpoint ?? values.endpoint;
const given: Target | undefined =
  endpoint === undefined ? undefined : { name: endpoint, config: configOf(endpoint === 'aws' ? undefined : endpoint) };

try {
  if (values.record && embedded !== undefined && given !== undefined) {
    process.exitCode = (await record(embedded, given, console.log)) ? 0 : 1;
  } else {
    process.exitCode = await run((given ?? embedded)!);
  }
} finally {
  local?.stop();
  await embedded?.stop();
}

async function run(target: Target): Promise<number> {
  const verdicts: Verdict[] = [];
  for (const suite of SUITES) {
    if (services !== undefined && !services.includes(suite.service)) continue;
    verdicts.push(...(await judge(suite, target, tell)));
  }
  const count = (kind: Verdict['kind']) => verdicts.filter((verdict) => verdict.kind === kind).length;
  console.log(
    `${target.name}: ${count('passed')} passed, ${count('differs')} differ, ${count('not judged')} can't be judged there`,
  );
  return count('differs') === 0 ? 0 : 1;
}

function tell({ service, name, kind, text }: Verdict): void {
  if (kind === 'passed') return;
  console.log(
    `${kind === 'differs' ? 'differs' : "can't be judged"}: ${service}: ${name}\n  ${text.replaceAll('\n', '\n  ')}`,
  );
}
