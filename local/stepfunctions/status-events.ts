import { type Cloud, ROOT } from '../cloud.ts';
import { makeEvent } from '../eventbridge/event.ts';
import { FORWARDED } from '../eventbridge/target-call.ts';
import type { ExecutionRecord } from './interpreter/execution.ts';

/** "If the combined escaped input and escaped output sent to EventBridge exceeds 248KB, then the input will be excluded." */
const MOST_BYTES = 248 * 1024;

/**
 * "Status changes in state machine executions are sent to EventBridge automatically", to the default bus, of Standard
 * workflows only (Step Functions guide, "Automating event delivery with EventBridge"). Best effort there; here always.
 */
export function announceStatus(cloud: Cloud, record: ExecutionRecord): void {
  if (record.type !== 'STANDARD') return;
  const now = cloud.kernel.clock.now();
  const event = makeEvent(
    cloud.account,
    {
      id: cloud.kernel.random.uuid(),
      source: 'aws.states',
      detailType: 'Step Functions Execution Status Change',
      timeMs: now,
      resources: [record.arn],
      detail: JSON.stringify(detailOf(record)),
    },
    now,
  );
  const call = { Entries: [{ EventBusName: 'default' }], [FORWARDED]: event };
  // Without EventBridge (a test of this service alone) nobody hears it.
  cloud.call(ROOT, 'events', 'PutEvents', call).catch(() => {});
}

function detailOf(record: ExecutionRecord): Readonly<Record<string, unknown>> {
  const bytes = (text: string | undefined) => (text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text)));
  const hasOutput = record.output !== undefined && bytes(record.output) <= MOST_BYTES;
  const hasInput = bytes(record.input) + (hasOutput ? bytes(record.output) : 0) <= MOST_BYTES;
  return {
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status: record.status,
    startDate: record.startDate,
    stopDate: record.stopDate ?? null,
    input: hasInput ? record.input : null,
    output: hasOutput ? record.output : null,
    inputDetails: { included: hasInput },
    outputDetails: record.output === undefined ? null : { included: hasOutput },
    error: record.error ?? null,
    cause: record.cause ?? null,
  };
}
