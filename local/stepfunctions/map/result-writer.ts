import type { Json } from '../../cloud.ts';
import { evaluateTyped } from '../expression/template.ts';
import { StateFailure } from '../failure.ts';
import type { Execution } from '../interpreter/execution.ts';
import type { Strand } from '../interpreter/frame.ts';
import type { DistributedMapState } from './distributed.ts';
import type { MapRunChild, MapRunRecord } from './map-run.ts';

type Kind = 'SUCCEEDED' | 'FAILED' | 'PENDING';

/** The Map state's result: the children's outputs, or where they were exported to. */
export async function writeResults(
  execution: Execution,
  strand: Strand,
  state: DistributedMapState,
  run: MapRunRecord,
): Promise<Json> {
  const { writer } = state.distributed;
  const children = run.children!;
  // "COMPACT … Default when ResultWriter is not specified."
  const transformation = writer?.transformation ?? 'COMPACT';
  if (writer?.arguments === undefined) {
    const results = transform(execution, run, children, transformation);
    return writer?.outputType === 'JSONL' ? results.map((result) => JSON.stringify(result)).join('\n') : results;
  }
  const { Bucket, Prefix } = await evaluateTyped(writer.arguments, execution.bindings(strand), 'object');
  const folder = `${folderOf(Prefix)}${run.id}/`;
  const put = async (name: string, text: string) => {
    const Body = Buffer.from(text);
    const { around, record } = execution;
    try {
      await around.cloud.call({ principal: record.roleArn }, 's3', 'PutObject', { Bucket, Key: folder + name, Body });
    } catch (error) {
      throw new StateFailure('States.ResultWriterFailed', (error as Error).message, { origin: 'task' });
    }
    return { Key: folder + name, Size: Body.length };
  };
  const files: Record<Kind, Json[]> = { FAILED: [], PENDING: [], SUCCEEDED: [] };
  for (const kind of ['FAILED', 'PENDING', 'SUCCEEDED'] as const) {
    const some = children.filter((child) => kindOf(child) === kind);
    if (some.length === 0) continue;
    const results = transform(execution, run, some, transformation);
    const lines = writer.outputType === 'JSONL';
    const text = lines ? results.map((result) => `${JSON.stringify(result)}\n`).join('') : JSON.stringify(results);
    files[kind].push(await put(`${kind}_0.${lines ? 'jsonl' : 'json'}`, text));
  }
  const manifest = { DestinationBucket: Bucket, MapRunArn: run.arn, ResultFiles: files };
  const { Key } = await put('manifest.json', JSON.stringify(manifest));
  run.resultsWritten = true;
  return { MapRunArn: run.arn, ResultWriterDetails: { Bucket, Key } };
}

function folderOf(prefix: string | undefined): string {
  if (prefix === undefined || prefix === '') return '';
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}

function kindOf({ status }: MapRunChild): Kind {
  if (status === 'SUCCEEDED') return 'SUCCEEDED';
  return status === 'PENDING' ? 'PENDING' : 'FAILED';
}

/** "If a child workflow execution fails, Step Functions returns its execution result unchanged": its whole record. */
function transform(
  execution: Execution,
  run: MapRunRecord,
  children: readonly MapRunChild[],
  transformation: 'NONE' | 'COMPACT' | 'FLATTEN',
): Json[] {
  return children.flatMap((child) => {
    if (transformation === 'NONE' || child.status !== 'SUCCEEDED') return [recordOf(execution, run, child)];
    const output = JSON.parse(execution.around.recordOf(child.executionArn!).output!);
    return transformation === 'FLATTEN' && Array.isArray(output) ? output : [output];
  });
}

function recordOf({ around }: Execution, run: MapRunRecord, child: MapRunChild): Json {
  const included = { Included: true };
  if (child.executionArn === undefined) {
    return { Input: child.inputText, InputDetails: included, StateMachineArn: run.stateMachineArn, Status: 'PENDING' };
  }
  const { status, ...record } = around.recordOf(child.executionArn);
  const redrivable = status === 'SUCCEEDED' ? 'NOT_REDRIVABLE' : 'REDRIVABLE_BY_MAP_RUN';
  return {
    ...(record.cause === undefined ? {} : { Cause: record.cause }),
    ...(record.error === undefined ? {} : { Error: record.error }),
    ExecutionArn: record.arn,
    Input: record.input,
    InputDetails: included,
    Name: record.name,
    ...(record.output === undefined ? {} : { Output: record.output, OutputDetails: included }),
    RedriveCount: record.redriveCount,
    RedriveStatus: redrivable,
    ...(status === 'SUCCEEDED' ? { RedriveStatusReason: 'Execution is SUCCEEDED and cannot be redriven' } : {}),
    StartDate: new Date(record.startDate).toISOString(),
    StateMachineArn: run.stateMachineArn,
    Status: status,
    ...(record.stopDate === undefined ? {} : { StopDate: new Date(record.stopDate).toISOString() }),
  };
}
