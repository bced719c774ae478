export { type AppDefinition, type AppOptions, defineApp } from './app.ts';
export { DaybookError, type ErrorCode, type ErrorDetails, isDaybookError } from './errors.ts';
export {
  type AggregateDefinition,
  type AggregateOptions,
  type AnyAggregate,
  defineAggregate,
  type EventsOf,
  type StateOf,
} from './event/aggregate-definition.ts';
export {
  type AnyEvent,
  type DataOf,
  defineEvent,
  type EventDefinition,
  type EventOf,
  type EventOptions,
  type NewEventOf,
  type Upcast,
} from './event/event-definition.ts';
export type { NewEvent, RecordedEvent } from './event/recorded-event.ts';
export { EVENT_FORMAT, type StoredEvent } from './event/stored-event.ts';
export {
  type AnyProjection,
  defineProjection,
  defineRollup,
  type ProjectionDefinition,
  type ProjectionOptions,
  type RollupDefinition,
  type RollupEntry,
  type RollupOptions,
} from './projection/definition.ts';
export type { DataSchema, FromJsonSchema, InputOf, JsonSchema, OutputOf } from './schema/json-schema.ts';
export type { StandardSchemaV1 } from './schema/standard-schema.ts';
