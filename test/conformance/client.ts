import { SQSClient } from '@aws-sdk/client-sqs';
import type { Json } from '../../local/cloud.ts';
import type { Target } from './suite.ts';

/** The SDK's client for an endpoint, over HTTP/1.1, which every emulator speaks: the handler of SQS's client. */
export function clientOf<C extends { middlewareStack: Json }>(
  target: Target,
  Client: new (config: Json) => C,
  more: Json = {},
): C {
  const { requestHandler } = new SQSClient(target.config).config;
  const client = new Client({ ...target.config, requestHandler, ...more });
  target.watch?.(client);
  return client;
}
