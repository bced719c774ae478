export { Alarms, type AlarmsProps } from './alarms.ts';
export { Archive, type ArchiveOptions, type ArchiveProps } from './archive.ts';
export { Daybook, type DaybookProps } from './daybook.ts';
export { Feed, type FeedOptions, type FeedProps } from './feed.ts';
export { HotStorage, type HotStorageProps } from './hot-storage.ts';
export { NodeFunction, type NodeFunctionProps } from './node-function.ts';
export { Projections, type ProjectionsProps } from './projections.ts';
export { Publisher, type PublisherProps } from './publisher.ts';
export { Replay, type ReplayOptions, type ReplayProps } from './replay.ts';
