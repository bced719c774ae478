import { createHash } from 'node:crypto';
import { type Json, ServiceError } from '../cloud.ts';
import { serviceOf } from './destination.ts';
import {
  checkFailureDestination,
  type MappingServices,
  type MappingSettings,
  runMapping,
} from './event-source-mapping.ts';
import { functionArn } from './function-name.ts';
import type { Operations } from './function-operations.ts';
import { requireQueue } from './polling/consume-queue.ts';
import { compileFilter } from './polling/filter.ts';
import { refuseUnknown, requireInteger } from './unsupported.ts';

interface Mapping {
  settings: MappingSettings;
  stop: (() => void) | undefined;
  lastResult: string;
}

const CHANGEABLE = [
  'FunctionName',
  'Enabled',
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'ParallelizationFactor',
  'MaximumRetryAttempts',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'FunctionResponseTypes',
  'DestinationConfig',
  'FilterCriteria',
  'ScalingConfig',
];
const STREAM_ONLY = [
  'StartingPosition',
  'StartingPositionTimestamp',
  'ParallelizationFactor',
  'MaximumRetryAttempts',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'DestinationConfig',
];

/** Event source mappings: their settings, and their pollers. */
export function mappingOperations(services: MappingServices): { operations: Operations; stop(): void } {
  const { cloud, registry } = services;
  const mappings = new Map<string, Mapping>();

  const find = (input: Json): Mapping => {
    const mapping = mappings.get(input.UUID);
    if (mapping !== undefined) return mapping;
    throw new ServiceError('ResourceNotFoundException', 'The resource you requested does not exist.', {
      status: 404,
      fields: { Type: 'User' },
    });
  };
  const start = (mapping: Mapping) => {
    mapping.stop?.();
    mapping.stop = mapping.settings.enabled
      ? runMapping(services, mapping.settings, (result) => {
          mapping.lastResult = result;
        })
      : undefined;
  };

  const settle = (uuid: string, input: Json, before: MappingSettings | undefined): MappingSettings => {
    const sourceArn: string = before?.sourceArn ?? input.EventSourceArn;
    const service = serviceOf(String(sourceArn));
    if (!['kinesis', 'dynamodb', 'sqs'].includes(service)) {
      throw new ServiceError(
        'InvalidParameterValueException',
        `Event sources of the kind ${service} are not supported here`,
      );
    }
    const queue = service === 'sqs';
    for (const name of STREAM_ONLY) {
      if (queue && input[name] !== undefined && input[name] !== null) {
        throw new ServiceError('InvalidParameterValueException', `${name} isn't supported for SQS event sources`);
      }
    }
    if (!queue && input.ScalingConfig !== undefined) {
      throw new ServiceError(
        'InvalidParameterValueException',
        `ScalingConfig isn't supported for ${service} event sources`,
      );
    }
    const { record, reference } = registry.resolve(
      input.FunctionName ?? functionArn(cloud.account, before!.functionName, before!.qualifier),
    );
    const windowSeconds = requireInteger(
      'maximumBatchingWindowInSeconds',
      input.MaximumBatchingWindowInSeconds ?? before?.windowSeconds ?? 0,
      0,
      300,
    );
    const batchSize = requireInteger(
      'batchSize',
      input.BatchSize ?? before?.batchSize ?? (queue ? 10 : 100),
      1,
      10_000,
    );
    if (queue && batchSize > 10 && windowSeconds < 1) {
      throw new ServiceError(
        'InvalidParameterValueException',
        'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
      );
    }
    const position = before?.startingPosition ?? input.StartingPosition;
    const positions = service === 'kinesis' ? ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'] : ['TRIM_HORIZON', 'LATEST'];
    if (!queue && !positions.includes(position)) {
      throw new ServiceError(
        'InvalidParameterValueException',
        `StartingPosition must be one of ${positions.join(', ')}, not ${String(position)}`,
      );
    }
    if (
      position === 'AT_TIMESTAMP' &&
      typeof (before?.startingTimestamp ?? input.StartingPositionTimestamp) !== 'number'
    ) {
      throw new ServiceError('InvalidParameterValueException', 'AT_TIMESTAMP needs a StartingPositionTimestamp');
    }
    const age = input.MaximumRecordAgeInSeconds ?? before?.maximumAgeSeconds ?? -1;
    const types: Json[] = input.FunctionResponseTypes ?? [];
    for (const type of types) {
      if (type !== 'ReportBatchItemFailures') {
        throw new ServiceError('InvalidParameterValueException', `FunctionResponseTypes: ${type} is not known`);
      }
    }
    compileFilter(sourceArn, input.FilterCriteria);
    return {
      uuid,
      functionName: record.name,
      qualifier: reference.qualifier,
      sourceArn,
      enabled: input.Enabled ?? before?.enabled ?? true,
      batchSize,
      windowSeconds,
      startingPosition: position,
      startingTimestamp: before?.startingTimestamp ?? input.StartingPositionTimestamp,
      parallelization: requireInteger(
        'parallelizationFactor',
        input.ParallelizationFactor ?? before?.parallelization ?? 1,
        1,
        10,
      ),
      // "The default value is infinite (-1)", for both.
      maximumRetries: requireInteger(
        'maximumRetryAttempts',
        input.MaximumRetryAttempts ?? before?.maximumRetries ?? -1,
        -1,
        10_000,
      ),
      maximumAgeSeconds: age === -1 ? -1 : requireInteger('maximumRecordAgeInSeconds', age, 60, 604_800),
      bisect: input.BisectBatchOnFunctionError ?? before?.bisect ?? false,
      partialAnswers: input.FunctionResponseTypes === undefined ? (before?.partialAnswers ?? false) : types.length > 0,
      onFailure:
        input.DestinationConfig === undefined ? before?.onFailure : checkFailureDestination(input.DestinationConfig),
      filterCriteria: input.FilterCriteria ?? before?.filterCriteria,
      maximumConcurrency:
        input.ScalingConfig?.MaximumConcurrency === undefined
          ? before?.maximumConcurrency
          : requireInteger('maximumConcurrency', input.ScalingConfig.MaximumConcurrency, 2, 1000),
      lastModified: cloud.kernel.clock.now(),
    };
  };

  const show = ({ settings, lastResult }: Mapping, state?: string): Json => ({
    UUID: settings.uuid,
    EventSourceMappingArn: `arn:aws:lambda:${cloud.account.region}:${cloud.account.accountId}:event-source-mapping:${settings.uuid}`,
    EventSourceArn: settings.sourceArn,
    FunctionArn: functionArn(cloud.account, settings.functionName, settings.qualifier),
    BatchSize: settings.batchSize,
    MaximumBatchingWindowInSeconds: settings.windowSeconds,
    ...(serviceOf(settings.sourceArn) !== 'sqs' && {
      StartingPosition: settings.startingPosition,
      ...(settings.startingTimestamp !== undefined && { StartingPositionTimestamp: settings.startingTimestamp }),
      ParallelizationFactor: settings.parallelization,
      MaximumRetryAttempts: settings.maximumRetries,
      MaximumRecordAgeInSeconds: settings.maximumAgeSeconds,
      BisectBatchOnFunctionError: settings.bisect,
      TumblingWindowInSeconds: 0,
      DestinationConfig: { OnFailure: settings.onFailure === undefined ? {} : { Destination: settings.onFailure } },
      LastProcessingResult: lastResult,
    }),
    FunctionResponseTypes: settings.partialAnswers ? ['ReportBatchItemFailures'] : [],
    ...(settings.filterCriteria !== undefined && { FilterCriteria: settings.filterCriteria }),
    ...(settings.maximumConcurrency !== undefined && {
      ScalingConfig: { MaximumConcurrency: settings.maximumConcurrency },
    }),
    LastModified: settings.lastModified / 1000,
    State: state ?? (settings.enabled ? 'Enabled' : 'Disabled'),
    StateTransitionReason: 'USER_INITIATED',
  });

  const operations: Operations = {
    async CreateEventSourceMapping(input) {
      refuseUnknown('CreateEventSourceMapping', input, [
        ...CHANGEABLE,
        'EventSourceArn',
        'StartingPosition',
        'StartingPositionTimestamp',
        'Tags',
      ]);
      const { record } = registry.resolve(input.FunctionName);
      const source: string = input.EventSourceArn;
      for (const { settings } of mappings.values()) {
        if (settings.sourceArn === source && settings.functionName === record.name) {
          throw new ServiceError(
            'ResourceConflictException',
            `An event source mapping with event source arn (" ${source} ") and function name (" ${record.name} ") already exists. Please update or delete the existing mapping with UUID ${settings.uuid}`,
            { status: 409, fields: { Type: 'User' } },
          );
        }
      }
      const settings = settle(mappingId(source, record.name), input, undefined);
      if (serviceOf(source) === 'sqs') await checkVisibility(source, record.latest.timeoutSeconds);
      const mapping: Mapping = { settings, stop: undefined, lastResult: 'No records processed' };
      mappings.set(settings.uuid, mapping);
      start(mapping);
      return show(mapping, settings.enabled ? 'Creating' : 'Disabled');
    },
    GetEventSourceMapping: (input) => show(find(input)),
    ListEventSourceMappings(input) {
      refuseUnknown('ListEventSourceMappings', input, ['EventSourceArn', 'FunctionName', 'MaxItems', 'Marker']);
      const name = input.FunctionName === undefined ? undefined : registry.resolve(input.FunctionName).record.name;
      const found = [...mappings.values()].filter(
        ({ settings }) =>
          (name === undefined || settings.functionName === name) &&
          (input.EventSourceArn === undefined || settings.sourceArn === input.EventSourceArn),
      );
      return { EventSourceMappings: found.map((mapping) => show(mapping)) };
    },
    UpdateEventSourceMapping(input) {
      refuseUnknown('UpdateEventSourceMapping', input, [...CHANGEABLE, 'UUID']);
      const mapping = find(input);
      mapping.settings = settle(mapping.settings.uuid, input, mapping.settings);
      start(mapping);
      return show(mapping, 'Updating');
    },
    DeleteEventSourceMapping(input) {
      const mapping = find(input);
      mapping.stop?.();
      mappings.delete(mapping.settings.uuid);
      services.checkpoints.forget(`${mapping.settings.uuid}|`);
      return show(mapping, 'Deleting');
    },
  };

  const checkVisibility = async (queueArn: string, timeoutSeconds: number) => {
    const { VisibilityTimeout } = await requireQueue(cloud, queueArn);
    if (Number(VisibilityTimeout) >= timeoutSeconds) return;
    throw new ServiceError(
      'InvalidParameterValueException',
      `Queue visibility timeout: ${VisibilityTimeout} seconds is less than Function timeout: ${timeoutSeconds} seconds`,
    );
  };

  return {
    operations,
    stop() {
      for (const mapping of mappings.values()) mapping.stop?.();
    },
  };
}

/** The same for the same source and function, so that checkpoints are found again on the next start with the same data. */
function mappingId(sourceArn: string, functionName: string): string {
  const hex = createHash('sha256').update(`${sourceArn}\n${functionName}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
