import { type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import { DEFAULT_BACKOFF } from '../lambda/lambda.ts';
import type { Backoff } from '../lambda/polling/attempt-batch.ts';
import { type Checkpoints, memoryCheckpoints } from '../lambda/polling/checkpoints.ts';
import type { SourceHooks } from '../lambda/polling/stream-source.ts';
import { refuseUnknown, unknownOperation } from '../lambda/unsupported.ts';
import { checkEnrichment, DEFINITION, readSource } from './pipe-definition.ts';
import { type MapFailures, type PipeServices, retryRemainder, runPipe } from './run-pipe.ts';
import { createTarget } from './target.ts';

export interface PipesOptions {
  /** How the cores of Kinesis and DynamoDB tell pipes that there is something to read. */
  readonly sources?: SourceHooks;
  /** Between two reads of a shard. Default 0: as soon as something was written. AWS polls about once a second. */
  readonly pollIntervalMs?: number;
  /** Between two reads of an idle shard. Default 5,000 ms, or 250 ms where `sources` doesn't tell. */
  readonly fallbackPollMs?: number;
  /** Pauses between the attempts of a batch. Default from 200 ms, doubled up to 30 s. */
  readonly retryBackoff?: Backoff;
  /** Where pipes keep how far they are. Default in memory. */
  readonly checkpoints?: Checkpoints;
  /** Which inputs go again when the target did not take every output. Default `retryRemainder`. */
  readonly mapFailures?: MapFailures;
}

export interface Pipes extends Service {
  readonly name: 'pipes';
  /** Stops every pipe. */
  stop(): void;
}

interface Pipe {
  readonly arn: string;
  readonly createdAt: number;
  modifiedAt: number;
  definition: Json;
  stop: (() => void) | undefined;
}

/**
 * EventBridge Pipes, registered with the cloud under `pipes`: source, filter, enrichment, target, retries through all of it.
 *
 * @example
 * createPipes(cloud, { sources: { kinesis } });
 * await cloud.call(ROOT, 'pipes', 'CreatePipe', { Name: 'copy', RoleArn, Source: streamArn, SourceParameters, Target: queueArn });
 */
export function createPipes(cloud: Cloud, options: PipesOptions = {}): Pipes {
  const pipes = new Map<string, Pipe>();
  const { clock } = cloud.kernel;
  const services: PipeServices = {
    cloud,
    hooks: options.sources ?? {},
    pace: {
      ...(options.pollIntervalMs !== undefined && { pollIntervalMs: options.pollIntervalMs }),
      ...(options.fallbackPollMs !== undefined && { fallbackPollMs: options.fallbackPollMs }),
    },
    backoff: options.retryBackoff ?? DEFAULT_BACKOFF,
    checkpoints: options.checkpoints ?? memoryCheckpoints(),
    mapFailures: options.mapFailures ?? retryRemainder,
  };
  const arnOf = (name: string) => `arn:aws:pipes:${cloud.account.region}:${cloud.account.accountId}:pipe/${name}`;

  const check = (definition: Json) => {
    const source = readSource(definition);
    checkEnrichment(definition);
    const target = createTarget(
      cloud,
      { principal: 'root' },
      definition,
      definition.Target,
      definition.TargetParameters,
    );
    // "You can't configure a pipe with a larger batch size than the target supports."
    if (source.batchSize > target.maximumBatch) {
      throw new ServiceError(
        'ValidationException',
        `BatchSize ${source.batchSize} is more than the target takes: ${target.maximumBatch}`,
      );
    }
    if (typeof definition.RoleArn !== 'string') throw new ServiceError('ValidationException', 'RoleArn is required');
  };
  const find = (input: Json): Pipe => {
    const pipe = pipes.get(input.Name);
    if (pipe !== undefined) return pipe;
    throw new ServiceError('NotFoundException', `Pipe ${input.Name} does not exist.`, { status: 404 });
  };
  const turn = (pipe: Pipe, on: boolean) => {
    pipe.stop?.();
    pipe.stop = on ? runPipe(services, pipe.arn, pipe.definition) : undefined;
    cloud.trace.note('pipes', on ? 'started' : 'stopped', { pipe: pipe.definition.Name });
  };
  const summary = (pipe: Pipe, state?: string): Json => ({
    Arn: pipe.arn,
    Name: pipe.definition.Name,
    DesiredState: pipe.stop === undefined ? 'STOPPED' : 'RUNNING',
    CurrentState: state ?? (pipe.stop === undefined ? 'STOPPED' : 'RUNNING'),
    CreationTime: pipe.createdAt / 1000,
    LastModifiedTime: pipe.modifiedAt / 1000,
  });

  const operations: Record<string, (input: Json) => Json> = {
    CreatePipe(input) {
      refuseUnknown('CreatePipe', input, DEFINITION);
      if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(String(input.Name))) {
        throw new ServiceError(
          'ValidationException',
          `Name must match [\\.\\-_A-Za-z0-9]+, 64 characters at most, not ${String(input.Name)}`,
        );
      }
      if (pipes.has(input.Name)) {
        throw new ServiceError('ConflictException', `Pipe ${input.Name} already exists.`, { status: 409 });
      }
      check(input);
      const now = clock.now();
      const pipe: Pipe = {
        arn: arnOf(input.Name),
        createdAt: now,
        modifiedAt: now,
        definition: input,
        stop: undefined,
      };
      pipes.set(input.Name, pipe);
      if (input.DesiredState !== 'STOPPED') turn(pipe, true);
      return summary(pipe, 'CREATING');
    },
    DescribePipe(input) {
      const pipe = find(input);
      const { DesiredState: _, ...definition } = pipe.definition;
      return { ...definition, ...summary(pipe) };
    },
    ListPipes(input) {
      refuseUnknown('ListPipes', input, ['NamePrefix', 'SourcePrefix', 'TargetPrefix', 'CurrentState', 'DesiredState']);
      const found = [...pipes.values()].filter(
        (pipe) =>
          pipe.definition.Name.startsWith(input.NamePrefix ?? '') &&
          pipe.definition.Source.startsWith(input.SourcePrefix ?? '') &&
          pipe.definition.Target.startsWith(input.TargetPrefix ?? ''),
      );
      const states = found.map((pipe) => ({
        ...summary(pipe),
        Source: pipe.definition.Source,
        Target: pipe.definition.Target,
        ...(pipe.definition.Enrichment !== undefined && { Enrichment: pipe.definition.Enrichment }),
      }));
      return {
        Pipes: states.filter(
          (pipe) =>
            (input.CurrentState === undefined || pipe.CurrentState === input.CurrentState) &&
            (input.DesiredState === undefined || pipe.DesiredState === input.DesiredState),
        ),
      };
    },
    StartPipe(input) {
      const pipe = find(input);
      if (pipe.stop !== undefined) {
        throw new ServiceError('ConflictException', `Pipe ${input.Name} is already running.`, { status: 409 });
      }
      turn(pipe, true);
      return summary(pipe, 'STARTING');
    },
    StopPipe(input) {
      const pipe = find(input);
      if (pipe.stop === undefined) {
        throw new ServiceError('ConflictException', `Pipe ${input.Name} is already stopped.`, { status: 409 });
      }
      turn(pipe, false);
      return summary(pipe, 'STOPPING');
    },
    UpdatePipe(input) {
      // "You can't update a pipe with a new source after creation": Source is no member of UpdatePipe.
      refuseUnknown(
        'UpdatePipe',
        input,
        DEFINITION.filter((member) => !['Source', 'Tags'].includes(member)),
      );
      const pipe = find(input);
      const definition = { ...pipe.definition, ...input };
      if (input.SourceParameters !== undefined) {
        definition.SourceParameters = keepStart(pipe.definition.SourceParameters, input.SourceParameters);
      }
      check(definition);
      const on = input.DesiredState === undefined ? pipe.stop !== undefined : input.DesiredState !== 'STOPPED';
      pipe.definition = definition;
      pipe.modifiedAt = clock.now();
      turn(pipe, on);
      return summary(pipe, 'UPDATING');
    },
    DeletePipe(input) {
      const pipe = find(input);
      pipe.stop?.();
      pipes.delete(input.Name);
      services.checkpoints.forget(`${pipe.arn}|`);
      return summary(pipe, 'DELETING');
    },
  };

  const service: Pipes = {
    name: 'pipes',
    handle(operation, input) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (run === undefined) throw unknownOperation('pipes', operation);
      return run(input ?? {});
    },
    stop() {
      for (const pipe of pipes.values()) pipe.stop?.();
    },
  };
  cloud.register(service);
  return service;
}

/** "StartingPosition" is no member of UpdatePipe's source parameters: the pipe goes on where it is. */
function keepStart(before: Json, after: Json): Json {
  return Object.fromEntries(
    Object.entries(after).map(([member, given]: [string, Json]) => {
      if (member === 'FilterCriteria') return [member, given];
      if (given.StartingPosition !== undefined && given.StartingPosition !== before?.[member]?.StartingPosition) {
        throw new ServiceError('ValidationException', "UpdatePipe: StartingPosition can't be changed");
      }
      const { StartingPosition, StartingPositionTimestamp } = before?.[member] ?? {};
      return [
        member,
        {
          ...given,
          ...(StartingPosition !== undefined && { StartingPosition }),
          ...(StartingPositionTimestamp !== undefined && { StartingPositionTimestamp }),
        },
      ];
    }),
  );
}
