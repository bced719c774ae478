export { type DynamoPositionTableOptions, dynamoPositionTable } from '../../aws/dynamo-position-table.ts';
export type { Envelope, EnvelopeEvent } from '../envelope.ts';
export type { BatchAnswer } from '../feed-batch.ts';
export { createReport, type MetricsOptions, type Report } from '../metrics.ts';
export type { PositionMove, PositionTable } from '../position-table.ts';
export type { Effect, EffectContext } from './advance.ts';
export { type ConsumeEventsOptions, consumeEvents } from './consume-events.ts';
export { type ConsumeFeedOptions, consumeFeed } from './consume-feed.ts';
