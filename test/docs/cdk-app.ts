import { App, Stack } from 'aws-cdk-lib';
import { Daybook } from 'daybook/cdk';

const stack = new Stack(new App(), 'Bank');
const daybook = new Daybook(stack, 'Daybook', { app: new URL('../../examples/bank/app.ts', import.meta.url).pathname });
export const { bus } = daybook; // rules on it are how other teams subscribe
