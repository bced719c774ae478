export type { Account, Caller, Cloud, TraceEntry } from './cloud.ts';
export { announce } from './host/announce.ts';
export type { DeployedResource } from './host/deploy.ts';
export { HostError, type HostErrorCode } from './host/errors.ts';
export { type LocalRuntime, type LocalStack, type StartLocalOptions, startLocal } from './host/host.ts';
export { type Synthesized, synthesize } from './host/synth.ts';
