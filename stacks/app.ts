import { App } from 'aws-cdk-lib';
import { BankStack } from '../examples/bank/stack.ts';

const app = new App();
new BankStack(app, 'Bank', { description: 'A bank on Daybook: the example, whole' });
