/**
 * `npm run smoke:aws`: asks an AWS account whether what the embedded runtime assumes (docs/assumptions.md) is so.
 *
 *     npm run smoke:aws -- --plan                              what it would make and cost; no call is made
 *     npm run smoke:aws -- --account 123456789012 --yes        does it, on that account and no other
 *     … --role ARN                                             a role that Step Functions may assume: one row more
 *     … --endpoint URL                                         asks an endpoint that is not AWS
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { DescribeEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CHECKS, planOf, runSmoke } from '../test/conformance/assumptions/run-smoke.ts';
import { configOf } from '../test/conformance/embedded.ts';

const { values } = parseArgs({
  options: {
    plan: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    account: { type: 'string' },
    role: { type: 'string' },
    endpoint: { type: 'string' },
  },
});

for (const line of planOf(CHECKS)) console.log(line);
process.exitCode = values.plan ? 0 : await main();

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
  const id = randomBytes(4).toString('hex');
  const { outcomes, left } = await runSmoke({ config, id, role }, CHECKS, console.log);
  const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
  console.log(`${count('holds')} hold, ${count('differs')} differ, ${count('left out')} left out`);
  return count('differs') === 0 && left.length === 0 ? 0 : 1;
}
