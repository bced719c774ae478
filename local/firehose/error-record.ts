import type { Json } from '../cloud.ts';
import type { Failure } from './transform.ts';

/** `activePartitionExceeded`: https://docs.aws.amazon.com/firehose/latest/dev/buffering.html */
export type ErrorType = 'processing-failed' | 'format-conversion-failed' | 'activePartitionExceeded';

/**
 * A failed record as Firehose writes it, one JSON document a line.
 * https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 */
export function errorRecord(
  type: ErrorType,
  failure: Failure,
  more: { readonly endedMs: number; readonly lambdaArn?: string; readonly catalogTable?: Json },
): string {
  const { received } = failure;
  const rawData = received.data.toString('base64');
  const record =
    type !== 'format-conversion-failed'
      ? {
          attemptsMade: failure.attempts,
          arrivalTimestamp: received.arrivalMs,
          errorCode: failure.code,
          errorMessage: failure.message,
          attemptEndingTimestamp: more.endedMs,
          rawData,
          ...(more.lambdaArn !== undefined && { lambdaArn: more.lambdaArn }),
        }
      : {
          attemptsMade: failure.attempts,
          arrivalTimestamp: received.arrivalMs,
          lastErrorCode: failure.code,
          lastErrorMessage: failure.message,
          attemptEndingTimestamp: more.endedMs,
          rawData,
          sequenceNumber: received.kinesis?.sequenceNumber ?? received.recordId,
          subSequenceNumber: received.kinesis === undefined ? null : 0,
          dataCatalogTable: more.catalogTable,
        };
  return `${JSON.stringify(record)}\n`;
}
