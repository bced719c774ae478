import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { ReplayRequest } from 'daybook';

const january: ReplayRequest = {
  projection: 'monthly-statement',
  range: { kind: 'times', from: '2026-01-01T00:00:00Z', to: '2026-01-31T23:59:59.999Z', clock: 'occurred' },
  seed: 'before', // a statement needs its opening balance
};
export const firstThree: ReplayRequest = {
  projection: 'balances',
  range: { kind: 'versions', aggregates: ['account-bob'], from: 1, to: 3 }, // both ends included
};

export const start = (client: SFNClient, stateMachineArn: string, name: string, request = january) =>
  client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(request) }));
