export { expectCombines } from './expect-combines.ts';
export { type Expected, expectProjection, type History } from './expect-projection.ts';
export { type Faults, faultyEventTable, InjectedFault } from './faulty-event-table.ts';
export type { GivenEvent, OldEvent } from './given-events.ts';
export { type MemoryEventTable, type MemoryEventTableOptions, memoryEventTable } from './memory-event-table.ts';
export { type MemoryProjectionTable, memoryProjectionTable } from './memory-projection-table.ts';
export { memorySnapshots } from './memory-snapshots.ts';
export { type Raced, RaceError, type RaceOptions, raceWriters, type Writer } from './race-writers.ts';
export { type Given, given, type When } from './specification.ts';
