/**
 * `npm run smoke:aws`: asks an AWS account whether what the embedded runtime assumes (docs/assumptions.md) is so.
 *
 *     npm run smoke:aws -- --plan                              what it would make and cost; no call is made
 *     npm run smoke:aws -- --account 123456789012 --yes        does it, on that account and no other
 *     … --role ARN                                             a role that Lambda, Firehose, Pipes and Step Functions may assume
 *     … --only TEXT                                            the cases whose name has this in it
 *     … --endpoint URL                                         asks an endpoint that is not AWS
 *
 * Ctrl-C removes what was made and ends with 130.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { DescribeEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { casesOf, readRows } from '../test/conformance/assumptions/rows.ts';
import { planOf, runSmoke } from '../test/conformance/assumptions/run-smoke.ts';
import { configOf } from '../test/conformance/embedded.ts';
import { SUITES } from '../test/conformance/suites.ts';

const { values } = parseArgs({
  options: {
    plan: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    account: { type: 'string' },
    role: { type: 'string' },
    only: { type: 'string', default: '' },
    endpoint: { type: 'string' },
  },
});

const cases = casesOf(readRows(), SUITES).filter(({ name }) => name.includes(values.only));
for (const line of planOf(cases)) console.log(line);
process.exitCode = values.plan ? 0 : await main();
// A case that Ctrl-C left behind may still be waiting for something.
if (!values.plan) process.exit();

async function main(): Promise<number> {
  const { account, yes, role, endpoint } = values;
  if (!yes || account === undefined) {
    console.error('Nothing was done. Say which account it may be, and that it may cost this: --account ID --yes');
    return 2;
  }
  const config = configOf(endpoint);
  const { Arn = '' } = await new EventBridgeClient(config).send(new DescribeEventBusCommand({}));
  const found = Arn.split(':')[4];
  if (found !== account) {
    console.error(`Nothing was done. The credentials are those of the account ${found}, not ${account}.`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      console.log('Stopped. What was made is being removed; its tag is there for what can not be.');
      stop.abort();
    });
  const target = { name: endpoint ?? 'AWS', config, ...(role === undefined ? {} : { role }) };
  const id = randomBytes(4).toString('hex');
  console.log(`The tag is daybook:smoke = ${id}.`);
  const { outcomes, left } = await runSmoke(target, cases, { id, say: console.log, stop: stop.signal });
  const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
  const unasked = cases.length - outcomes.length;
  console.log(
    `${count('holds')} hold, ${count('differs')} differ, ${count('left out')} left out${unasked === 0 ? '' : `, ${unasked} not asked`}`,
  );
  if (stop.signal.aborted) return 130;
  return count('differs') === 0 && left.length === 0 ? 0 : 1;
}
