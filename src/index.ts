export { type AppDefinition, type AppOptions, defineApp } from './app.ts';
export type { QueryParameter, SavedQuery } from './archive/saved-queries.ts';
export { type DynamoEventTableOptions, dynamoEventTable } from './aws/dynamo-event-table.ts';
export { type DynamoProjectionTableOptions, dynamoProjectionTable } from './aws/dynamo-projection-table.ts';
export { type DynamoSnapshotsOptions, dynamoSnapshots } from './aws/dynamo-snapshots.ts';
export { DaybookError, type ErrorCode, type ErrorDetails, isDaybookError } from './errors.ts';
export {
  type AggregateDefinition,
  type AggregateOptions,
  type AnyAggregate,
  defineAggregate,
  type EventsOf,
  type StateOf,
} from './event/aggregate-definition.ts';
export { type EventDecoder, eventDecoder } from './event/decode-event.ts';
export {
  type AnyEvent,
  type DataOf,
  defineEvent,
  type EventDefinition,
  type EventOf,
  type EventOptions,
  type GivenJsonSchemas,
  type NewEventOf,
} from './event/event-definition.ts';
export type { NewEvent, RecordedEvent } from './event/recorded-event.ts';
export { EVENT_FORMAT, type StoredEvent } from './event/stored-event.ts';
export { lambdaTrace } from './event/traceparent.ts';
export { type CastType, type Upcast, type UpcastRule, upcastBy } from './event/upcast.ts';
export {
  type AnyProjection,
  type DeclaredFields,
  defineProjection,
  defineRollup,
  type ProjectionDefinition,
  type ProjectionOptions,
  type RollupDefinition,
  type RollupEntry,
  type RollupOptions,
  type SeenClock,
} from './projection/definition.ts';
export {
  BUCKETS,
  type BuildPointer,
  type ProjectionItem,
  type ProjectionTable,
  type RollupValue,
  type ValueChange,
} from './projection/projection-table.ts';
export {
  type Projected,
  type ReadOptions as ReadProjectionOptions,
  type ReadRollupOptions,
  type RolledUp,
  type RolledUpTo,
  readAllProjected,
  readProjected,
  readRollup,
  type WaitOptions as WaitForProjectionOptions,
  waitForProjected,
  waitForRollup,
} from './projection/read.ts';
export { type AuditedVersion, type AuditOptions, auditAggregate } from './replay/audit.ts';
export type { Change } from './replay/changed-paths.ts';
export type { ReplayRange, ReplayRequest } from './replay/request.ts';
export type {
  DataSchema,
  FromJsonSchema,
  InputOf,
  JsonSchema,
  OutputOf,
  TypedJsonSchema,
} from './schema/json-schema.ts';
export type { StandardSchemaV1 } from './schema/standard-schema.ts';
export { toJsonSchema } from './schema/to-json-schema.ts';
export type { Appended, AppendOptions } from './store/append.ts';
export type { Backoff } from './store/backoff.ts';
export type { StoreCounts } from './store/context.ts';
export type { EventArchive } from './store/event-archive.ts';
export { createEventStore, type EventStore, type EventStoreOptions } from './store/event-store.ts';
export type { AggregatePage, Commit, EventTable, PutOutcome, QueryOptions, VersionRange } from './store/event-table.ts';
export type { Decide, Handled, HandleOptions } from './store/handle.ts';
export type { ListOptions } from './store/list.ts';
export type { LoadedAggregate, LoadOptions } from './store/load.ts';
export type { TimeClock, TimeRange } from './store/ranges.ts';
export type { Occasion, ReadOptions, StateAt, StateAtPoint } from './store/read.ts';
export type { BadEvent, BadEventCode, ReadAllOptions } from './store/read-all.ts';
export type { Snapshot, SnapshotPolicy, SnapshotStore } from './store/snapshots.ts';
export type { BareTarget, EventsFor, Target } from './store/target.ts';
