import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { leanClient } from '../../../src/aws/lean-client.ts';

test('a lean client makes no log lines, repeats requests, and has everything else', async () => {
  const names = (client: DynamoDBClient) => client.middlewareStack.identify().map((name) => name.split(' ')[0]);
  const plain = names(new DynamoDBClient({ region: 'us-east-1' }));
  expect(plain).toContain('loggerMiddleware'); // else an update of the SDK has made it needless
  expect(names(leanClient(new DynamoDBClient({ region: 'us-east-1' })))).toEqual([
    'repeatRequests',
    ...plain.filter((name) => name !== 'loggerMiddleware'),
    'learnRequests',
  ]);
  const lines: unknown[] = [];
  const log = (line: unknown) => lines.push(line);
  const logger = { debug: log, info: log, warn: log, error: log };
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const requestHandler = { handle: () => Promise.reject(new Error('no network')) };
  const client = leanClient(
    new DynamoDBClient({ region: 'us-east-1', credentials, logger, requestHandler, maxAttempts: 1 }),
  );
  await expect(client.send(new GetItemCommand({ TableName: 't', Key: {} }))).rejects.toThrow('no network');
  expect(lines.filter((line) => typeof line === 'object' && line !== null && 'commandName' in line)).toEqual([]);
});
