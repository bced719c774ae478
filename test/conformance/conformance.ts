/**
 * `npm run conformance -- [--endpoint URL | --endpoint aws] [--service NAME]… [--record]`: every documented behaviour, asked of
 * the embedded runtime or of whatever answers at the endpoint. Ends with 1 when something differs.
 */
import { parseArgs } from 'node:util';
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
const given: Target | undefined =
  values.endpoint === undefined
    ? undefined
    : { name: values.endpoint, config: configOf(values.endpoint === 'aws' ? undefined : values.endpoint) };

try {
  if (values.record && embedded !== undefined && given !== undefined) {
    process.exitCode = (await record(embedded, given, console.log)) ? 0 : 1;
  } else {
    process.exitCode = await run((given ?? embedded)!);
  }
} finally {
  await embedded?.stop();
}

async function run(target: Target): Promise<number> {
  const verdicts: Verdict[] = [];
  for (const suite of SUITES) {
    if (values.service !== undefined && !values.service.includes(suite.service)) continue;
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
