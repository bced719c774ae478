import { type Json, ServiceError } from '../cloud.ts';

/** What can be set on a queue, checked; everything that was set is also kept as its text. */
export interface QueueSettings {
  readonly delaySeconds: number;
  readonly maximumMessageSize: number;
  readonly retentionSeconds: number;
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
  readonly redrive: { readonly targetArn: string; readonly maxReceiveCount: number } | undefined;
  readonly fifo: boolean;
  readonly contentBasedDeduplication: boolean;
  readonly deduplicationScope: 'queue' | 'messageGroup';
  readonly policy: Json | undefined;
}

/** Attribute, its smallest and largest value, and its default (CreateQueue). */
const NUMBERS: Readonly<Record<string, readonly [number, number, number]>> = {
  DelaySeconds: [0, 900, 0],
  MaximumMessageSize: [1024, 1_048_576, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600, 345_600],
  ReceiveMessageWaitTimeSeconds: [0, 20, 0],
  VisibilityTimeout: [0, 43_200, 30],
  KmsDataKeyReusePeriodSeconds: [60, 86_400, 300],
};
const FLAGS = ['SqsManagedSseEnabled', 'FifoQueue', 'ContentBasedDeduplication'];
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  DeduplicationScope: ['messageGroup', 'queue'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
};
const FIFO_ONLY = ['FifoQueue', 'ContentBasedDeduplication', 'DeduplicationScope', 'FifoThroughputLimit'];
const TEXTS = ['Policy', 'RedrivePolicy', 'RedriveAllowPolicy', 'KmsMasterKeyId'];

const bad = (name: string, value: unknown, reason?: string) =>
  new ServiceError(
    'InvalidAttributeValue',
    reason === undefined
      ? `Invalid value for the parameter ${name}.`
      : `Value ${value} for parameter ${name} is invalid. Reason: ${reason}`,
  );

/** Checks attributes as they are given, in their text form; an empty text takes a policy away. */
export function checkAttributes(given: Readonly<Record<string, Json>>, fifo: boolean): Map<string, string> {
  const checked = new Map<string, string>();
  for (const [name, raw] of Object.entries(given)) {
    const value = String(raw);
    const bounds = NUMBERS[name];
    if (bounds !== undefined) {
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < bounds[0] || number > bounds[1]) throw bad(name, value);
    } else if (FLAGS.includes(name)) {
      if (value !== 'true' && value !== 'false') throw bad(name, value);
    } else if (CHOICES[name] !== undefined) {
      if (!CHOICES[name].includes(value)) throw bad(name, value);
    } else if (!TEXTS.includes(name)) {
      throw new ServiceError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
    if (FIFO_ONLY.includes(name) && !fifo) {
      throw new ServiceError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
    if (name === 'RedrivePolicy' && value !== '') readRedrive(value);
    if (name === 'Policy' && value !== '') parseJson(name, value);
    checked.set(name, value);
  }
  return checked;
}

export function readSettings(attributes: ReadonlyMap<string, string>): QueueSettings {
  const number = (name: string) => Number(attributes.get(name) ?? NUMBERS[name]![2]);
  const redrive = attributes.get('RedrivePolicy');
  const policy = attributes.get('Policy');
  return {
    delaySeconds: number('DelaySeconds'),
    maximumMessageSize: number('MaximumMessageSize'),
    retentionSeconds: number('MessageRetentionPeriod'),
    waitSeconds: number('ReceiveMessageWaitTimeSeconds'),
    visibilitySeconds: number('VisibilityTimeout'),
    redrive: redrive ? readRedrive(redrive) : undefined,
    fifo: attributes.get('FifoQueue') === 'true',
    contentBasedDeduplication: attributes.get('ContentBasedDeduplication') === 'true',
    deduplicationScope: attributes.get('DeduplicationScope') === 'messageGroup' ? 'messageGroup' : 'queue',
    policy: policy ? parseJson('Policy', policy) : undefined,
  };
}

/** The settable attributes with their defaults, as GetQueueAttributes shows them. */
export function shownAttributes(attributes: ReadonlyMap<string, string>): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, [, , standard]] of Object.entries(NUMBERS)) {
    if (name !== 'KmsDataKeyReusePeriodSeconds' || attributes.has('KmsMasterKeyId')) shown[name] = String(standard);
  }
  shown.SqsManagedSseEnabled = attributes.has('KmsMasterKeyId') ? 'false' : 'true';
  if (attributes.get('FifoQueue') === 'true') {
    shown.ContentBasedDeduplication = 'false';
    shown.DeduplicationScope = 'queue';
    shown.FifoThroughputLimit = 'perQueue';
  }
  for (const [name, value] of attributes) if (value !== '') shown[name] = value;
  return shown;
}

function readRedrive(text: string): { targetArn: string; maxReceiveCount: number } {
  const { deadLetterTargetArn, maxReceiveCount } = parseJson('RedrivePolicy', text);
  const count = Number(maxReceiveCount);
  if (typeof deadLetterTargetArn !== 'string') {
    throw bad('RedrivePolicy', text, 'Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
  }
  if (maxReceiveCount === undefined) {
    throw bad('RedrivePolicy', text, 'Redrive policy does not contain mandatory attribute: maxReceiveCount.');
  }
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    throw bad(
      'RedrivePolicy',
      text,
      `Invalid value for maxReceiveCount: ${maxReceiveCount}, valid values are from 1 to 1000 both inclusive.`,
    );
  }
  return { targetArn: deadLetterTargetArn, maxReceiveCount: count };
}

function parseJson(name: string, text: string): Json {
  try {
    const value = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Refused below.
  }
  throw bad(name, text);
}
