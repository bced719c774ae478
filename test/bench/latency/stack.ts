import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { BankStack } from '../../../examples/bank/stack.ts';
import { type Daybook, NodeFunction, Subscriber } from '../../../stacks/constructs/index.ts';

// The bank as it is, but for the pipe's window, and two subscribers that only say when they were called.

const app = new App();
const stack = new BankStack(app, 'Bank');
const daybook = stack.node.findChild('Daybook') as Daybook;
daybook.feed.pipe.addPropertyOverride('SourceParameters.DynamoDBStreamParameters.MaximumBatchingWindowInSeconds', 0);

const entry = join(import.meta.dirname, 'subscriber.ts');
const eventPattern = { detailType: ['MoneyDeposited'] };
new Subscriber(stack, 'Queued', { daybook, entry, eventPattern });
const direct = new NodeFunction(stack, 'Direct', { name: entry });
new Rule(stack, 'DirectRule', {
  eventBus: daybook.bus,
  eventPattern,
  targets: [new LambdaFunction(direct.function)],
});
app.synth();
