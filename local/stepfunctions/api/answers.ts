import type { Json } from '../../cloud.ts';
import type { ExecutionRecord } from '../interpreter/execution.ts';
import { countsOf, type MapRunRecord } from '../map/map-run.ts';
import { compact, seconds } from './request.ts';

const time = (milliseconds: number | undefined) => (milliseconds === undefined ? undefined : seconds(milliseconds));
const INCLUDED = { included: true };

export function describeExecution(record: ExecutionRecord): Json {
  return compact({
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status: record.status,
    startDate: seconds(record.startDate),
    stopDate: time(record.stopDate),
    input: record.input,
    inputDetails: INCLUDED,
    output: record.output,
    outputDetails: record.output === undefined ? undefined : INCLUDED,
    error: record.error,
    cause: record.cause,
    traceHeader: record.traceHeader,
    mapRunArn: record.mapRunArn,
    redriveCount: record.redriveCount,
    redriveDate: time(record.redriveDate),
  });
}

export function listedExecution(record: ExecutionRecord): Json {
  return compact({
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status: record.status,
    startDate: seconds(record.startDate),
    stopDate: time(record.stopDate),
    mapRunArn: record.mapRunArn,
    itemCount: record.itemCount,
    redriveCount: record.redriveCount,
    redriveDate: time(record.redriveDate),
  });
}

/** "billedDurationInMilliseconds … rounded up to the nearest 100 milliseconds", and memory in steps of 64 MB. */
export function syncResult(record: ExecutionRecord): Json {
  const duration = record.stopDate! - record.startDate;
  return compact({
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    startDate: seconds(record.startDate),
    stopDate: time(record.stopDate),
    status: record.status,
    error: record.error,
    cause: record.cause,
    input: record.input,
    inputDetails: INCLUDED,
    output: record.output,
    outputDetails: record.output === undefined ? undefined : INCLUDED,
    traceHeader: record.traceHeader,
    billingDetails: {
      billedMemoryUsedInMB: 64,
      billedDurationInMilliseconds: Math.max(100, Math.ceil(duration / 100) * 100),
    },
  });
}

export function describeMapRun(run: MapRunRecord): Json {
  return compact({
    mapRunArn: run.arn,
    executionArn: run.executionArn,
    status: run.status,
    startDate: seconds(run.startDate),
    stopDate: time(run.stopDate),
    maxConcurrency: run.maxConcurrency,
    toleratedFailurePercentage: run.toleratedFailurePercentage ?? 0,
    toleratedFailureCount: run.toleratedFailureCount ?? 0,
    itemCounts: countsOf(run, 'items'),
    executionCounts: countsOf(run, 'executions'),
    redriveCount: run.redriveCount,
    redriveDate: time(run.redriveDate),
  });
}

export function listedMapRun(run: MapRunRecord): Json {
  return compact({
    executionArn: run.executionArn,
    mapRunArn: run.arn,
    stateMachineArn: run.stateMachineArn,
    startDate: seconds(run.startDate),
    stopDate: time(run.stopDate),
  });
}
