import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { iteratorFor } from './read.ts';
import { type Consumer, type Feed, type Feeds, findFeed } from './stream.ts';

/** Registered consumers. SubscribeToShard serves the readers of this process; its event stream is not spoken over HTTP. */
export function consumerOperations(cloud: Cloud, feeds: Feeds): Operations {
  const find = (input: Json): { feed: Feed; consumer: Consumer } => {
    const named = /^(arn:[^/]+:stream\/[^/]+)\/consumer\/([^:]+):/.exec(String(input.ConsumerARN ?? ''));
    const feed = findFeed(feeds, { StreamARN: named?.[1] ?? input.StreamARN });
    const name = named?.[2] ?? input.ConsumerName;
    const consumer = feed.consumers.get(name);
    if (consumer === undefined) {
      throw new ServiceError(
        'ResourceNotFoundException',
        `Consumer ${name} of stream ${feed.name} under account ${feeds.account.accountId} not found.`,
      );
    }
    return { feed, consumer };
  };

  return {
    RegisterStreamConsumer: operation(['StreamARN', 'ConsumerName'], (input) => {
      const feed = findFeed(feeds, input);
      const name = String(input.ConsumerName);
      if (feed.consumers.has(name)) {
        throw new ServiceError(
          'ResourceInUseException',
          `Consumer ${name} of stream ${feed.name} under account ${feeds.account.accountId} already exists.`,
        );
      }
      // "You can register up to 20 consumers for each data stream."
      if (feed.consumers.size >= 20) {
        throw new ServiceError('LimitExceededException', `Stream ${feed.name} already has 20 registered consumers.`);
      }
      const createdMs = cloud.kernel.clock.now();
      const consumer = { name, createdMs, arn: `${feed.arn}/consumer/${name}:${Math.floor(createdMs / 1000)}` };
      feed.consumers.set(name, consumer);
      return { Consumer: { ...describe(consumer), ConsumerStatus: 'CREATING' } };
    }),

    DescribeStreamConsumer: operation(['StreamARN', 'ConsumerName', 'ConsumerARN'], (input) => {
      const { feed, consumer } = find(input);
      return { ConsumerDescription: { ...describe(consumer), StreamARN: feed.arn } };
    }),

    ListStreamConsumers: operation(['StreamARN', 'NextToken', 'MaxResults', 'StreamCreationTimestamp'], (input) => {
      const names = [...findFeed(feeds, input).consumers.values()];
      const from = Number(input.NextToken ?? 0);
      const page = names.slice(from, from + (input.MaxResults ?? 100));
      const next = from + page.length;
      return { Consumers: page.map(describe), ...(next < names.length && { NextToken: String(next) }) };
    }),

    // The events of a subscription are what GetRecords gives for `Subscription`, without the consumer's own rights to it.
    SubscribeToShard: operation(['ConsumerARN', 'ShardId', 'StartingPosition'], (input) => {
      const { Type, SequenceNumber, Timestamp } = input.StartingPosition ?? {};
      const place = { ShardIteratorType: Type, StartingSequenceNumber: SequenceNumber, Timestamp };
      const { feed } = find(input);
      return { Subscription: iteratorFor(feeds, feed, { ShardId: input.ShardId, ...place }, cloud.kernel.clock.now()) };
    }),

    DeregisterStreamConsumer: operation(['StreamARN', 'ConsumerName', 'ConsumerARN'], (input) => {
      const { feed, consumer } = find(input);
      feed.consumers.delete(consumer.name);
      return {};
    }),
  };
}

function describe(consumer: Consumer) {
  return {
    ConsumerName: consumer.name,
    ConsumerARN: consumer.arn,
    ConsumerStatus: 'ACTIVE',
    ConsumerCreationTimestamp: Math.floor(consumer.createdMs / 1000),
  };
}
