import { createHash } from 'node:crypto';
import type { Json } from '../cloud.ts';

/** The longest name of each type (service quotas and CloudFormation reference pages); 255 where a type has no short limit. */
const LIMITS: Readonly<Record<string, number>> = {
  'AWS::IAM::Role': 64,
  'AWS::Lambda::Function': 64,
  'AWS::Events::Rule': 64,
  'AWS::Pipes::Pipe': 64,
  'AWS::KinesisFirehose::DeliveryStream': 64,
  'AWS::S3::Bucket': 63,
  'AWS::SQS::Queue': 80,
  'AWS::StepFunctions::StateMachine': 80,
  'AWS::StepFunctions::Activity': 80,
  'AWS::Kinesis::Stream': 128,
  'AWS::Athena::WorkGroup': 128,
  'AWS::Athena::NamedQuery': 128,
};

/** Types whose names may not hold capitals. */
const LOWER_CASE = new Set(['AWS::S3::Bucket', 'AWS::Glue::Database', 'AWS::Glue::Table']);

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/**
 * The name that CloudFormation would give: `stack-logicalId-12 characters`, cut to the type's limit. CloudFormation's
 * characters are random; these follow from stack and logical id, so that a restart with the same data finds them again.
 * A resource that replaces another on kept data is of the next generation.
 */
export function generatedName(
  type: string,
  stackName: string,
  logicalId: string,
  properties: Json = {},
  generation = 0,
): string {
  const suffix = type === 'AWS::SQS::Queue' && isTrue(properties?.FifoQueue) ? '.fifo' : '';
  const unique = [
    ...createHash('sha256')
      .update(`${stackName}/${logicalId}${generation === 0 ? '' : `/${generation}`}`)
      .digest()
      .subarray(0, 12),
  ]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('');
  const room = (LIMITS[type] ?? 255) - unique.length - 1 - suffix.length;
  const head =
    `${stackName}-${logicalId}`.length <= room ? `${stackName}-${logicalId}` : shorten(stackName, logicalId, room);
  const name = `${head}-${unique}${suffix}`;
  return LOWER_CASE.has(type) ? name.toLowerCase() : name;
}

/** Both parts keep at least a half, so that a name still says what it is. */
function shorten(stackName: string, logicalId: string, room: number): string {
  const half = Math.floor((room - 1) / 2);
  const stack = stackName.slice(0, Math.max(half, room - 1 - logicalId.length));
  return `${stack}-${logicalId.slice(0, room - 1 - stack.length)}`;
}

const isTrue = (value: unknown) => value === true || value === 'true';
