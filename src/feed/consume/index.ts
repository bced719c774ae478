export { type DynamoPositionTableOptions, dynamoPositionTable } from '../../aws/dynamo-position-table.ts';
export type { Envelope, EnvelopeEvent } from '../envelope.ts';
export type { BatchAnswer } from '../feed-batch.ts';
export { createReport, type MetricsOptions, type Report } from '../metrics.ts';
export type { Lease, ParkedAggregate, Parking, PositionMove, PositionTable, Standing } from '../position-table.ts';
export { type ConsumeEventsOptions, type Consumer, consumeEvents, type TimedContext } from './consume-events.ts';
export { type ConsumeFeedOptions, consumeFeed } from './consume-feed.ts';
export type { Act, Effect, EffectContext } from './effect.ts';
export type { RedriveAnswer, RedriveOutcome, RedriveRequest } from './redrive-request.ts';
