import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type AsyncQueue, checkAsyncRange } from './async-queue.ts';
import { checkDestination } from './destination.ts';
import { functionArn } from './function-name.ts';
import type { Operations } from './function-operations.ts';
import type { AsyncConfiguration, FunctionRegistry } from './function-registry.ts';
import { type Invocation, type Invoker, parseEvent } from './invoker.ts';
import { refuseUnknown } from './unsupported.ts';

/** Invoke, and how asynchronous invocations are retried. */
export function invokeOperations(
  cloud: Cloud,
  registry: FunctionRegistry,
  invoker: Invoker,
  queue: AsyncQueue,
): Operations {
  const { account } = cloud;

  const putConfiguration = (operation: string, input: Json, before: AsyncConfiguration | undefined) => {
    refuseUnknown(operation, input, [
      'FunctionName',
      'Qualifier',
      'MaximumRetryAttempts',
      'MaximumEventAgeInSeconds',
      'DestinationConfig',
    ]);
    const { record, reference } = registry.resolve(input.FunctionName, input.Qualifier);
    const destination = (side: 'OnFailure' | 'OnSuccess') =>
      checkDestination(input.DestinationConfig?.[side]?.Destination, `DestinationConfig.${side}`, [
        'sqs',
        'lambda',
        'events',
      ]);
    const configuration: AsyncConfiguration = {
      retries: checkAsyncRange('MaximumRetryAttempts', input.MaximumRetryAttempts ?? before?.retries ?? 2, 0, 2),
      maximumAgeSeconds: checkAsyncRange(
        'MaximumEventAgeInSeconds',
        input.MaximumEventAgeInSeconds ?? before?.maximumAgeSeconds ?? 21_600,
        60,
        21_600,
      ),
      onFailure: input.DestinationConfig === undefined ? before?.onFailure : destination('OnFailure'),
      onSuccess: input.DestinationConfig === undefined ? before?.onSuccess : destination('OnSuccess'),
      lastModified: cloud.kernel.clock.now(),
    };
    record.asyncConfigurations.set(reference.qualifier ?? '$LATEST', configuration);
    return show(record.name, reference.qualifier ?? '$LATEST', configuration);
  };
  const show = (name: string, qualifier: string, configuration: AsyncConfiguration): Json => ({
    LastModified: configuration.lastModified / 1000,
    FunctionArn: functionArn(account, name, qualifier),
    MaximumRetryAttempts: configuration.retries,
    MaximumEventAgeInSeconds: configuration.maximumAgeSeconds,
    DestinationConfig: {
      OnSuccess: configuration.onSuccess === undefined ? {} : { Destination: configuration.onSuccess },
      OnFailure: configuration.onFailure === undefined ? {} : { Destination: configuration.onFailure },
    },
  });
  const find = (input: Json) => {
    const { record, reference } = registry.resolve(input.FunctionName, input.Qualifier);
    const qualifier = reference.qualifier ?? '$LATEST';
    return { record, qualifier, configuration: record.asyncConfigurations.get(qualifier) };
  };
  const notConfigured = (name: string, qualifier: string) =>
    new ServiceError(
      'ResourceNotFoundException',
      `The function ${functionArn(account, name, qualifier)} doesn't have an EventInvokeConfig`,
      { status: 404, fields: { Type: 'User' } },
    );

  return {
    async Invoke(input) {
      refuseUnknown('Invoke', input, [
        'FunctionName',
        'Qualifier',
        'InvocationType',
        'LogType',
        'ClientContext',
        'Payload',
      ]);
      const resolved = registry.resolve(input.FunctionName, input.Qualifier);
      const type = input.InvocationType ?? 'RequestResponse';
      if (type === 'DryRun') return { StatusCode: 204, Payload: Buffer.alloc(0) };
      const event = textOf(input.Payload);
      const parsed = parseEvent(event);
      if (type === 'Event') {
        queue.accept(resolved, event);
        return { StatusCode: 202, Payload: Buffer.alloc(0) };
      }
      if (type !== 'RequestResponse') {
        throw new ServiceError(
          'InvalidParameterValueException',
          `Invocation type must be RequestResponse, Event or DryRun, not ${String(type)}`,
        );
      }
      const invocation = await invoker.run(input.FunctionName, event, {
        qualifier: input.Qualifier,
        parsed,
        ...(input.ClientContext !== undefined && {
          clientContext: JSON.parse(Buffer.from(input.ClientContext, 'base64').toString('utf8')),
        }),
      });
      return {
        StatusCode: 200,
        ...(invocation.failed && { FunctionError: 'Unhandled' }),
        // "LogResult – The last 4 KB of the execution log, which is base64-encoded."
        ...(input.LogType === 'Tail' && {
          LogResult: Buffer.from(logOf(invocation)).subarray(-4096).toString('base64'),
        }),
        ExecutedVersion: invocation.version,
        RequestId: invocation.requestId,
        Payload: Buffer.from(invocation.payload),
      };
    },
    InvokeAsync() {
      throw new ServiceError(
        'UnknownOperationException',
        'InvokeAsync is deprecated and not supported here: use Invoke',
      );
    },
    PutFunctionEventInvokeConfig: (input) => putConfiguration('PutFunctionEventInvokeConfig', input, undefined),
    UpdateFunctionEventInvokeConfig: (input) =>
      putConfiguration('UpdateFunctionEventInvokeConfig', input, find(input).configuration),
    GetFunctionEventInvokeConfig(input) {
      const { record, qualifier, configuration } = find(input);
      if (configuration === undefined) throw notConfigured(record.name, qualifier);
      return show(record.name, qualifier, configuration);
    },
    DeleteFunctionEventInvokeConfig(input) {
      const { record, qualifier, configuration } = find(input);
      if (configuration === undefined) throw notConfigured(record.name, qualifier);
      record.asyncConfigurations.delete(qualifier);
      return {};
    },
  };
}

/** The payload as text; an absent one is an empty event. */
function textOf(payload: Json): string {
  if (payload === undefined || payload === null || payload.length === 0) return '{}';
  if (typeof payload === 'string') return payload;
  if (payload instanceof Uint8Array)
    return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8');
  throw new ServiceError('InvalidRequestContentException', 'The payload must be JSON text or its bytes');
}

function logOf({ requestId, version, logs }: Invocation): string {
  return [`START RequestId: ${requestId} Version: ${version}`, ...logs, `END RequestId: ${requestId}`, ''].join('\n');
}
