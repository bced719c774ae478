import type { DuckDb } from '../athena/duckdb.ts';
import type { Cloud, Json } from '../cloud.ts';
import type { Timer } from '../kernel/kernel.ts';
import { type ErrorType, errorRecord } from './error-record.ts';
import { formatRecords } from './format.ts';
import { evaluatePrefix, formatTime, partitionKeysOf } from './prefix.ts';
import type { DeliverySettings } from './settings.ts';
import { type Failure, type Received, type Transformed, transformBatch } from './transform.ts';

/** From a record that was taken in to an object in S3: transformation, partitions, buffers, conversion. */
export interface Delivery {
  receive(record: Received): void;
  /** Delivers what waits, without waiting for the buffers' intervals. Fails when something could not be put. */
  flush(): Promise<void>;
  stop(): void;
}

export interface DeliveryOptions {
  readonly cloud: Cloud;
  readonly duckdb: DuckDb;
  readonly name: string;
  readonly arn: string;
  readonly sourceArn: string | undefined;
  readonly settings: DeliverySettings;
  /** No buffer waits longer: the intervals of AWS are long for a person at a laptop. */
  readonly maxIntervalMs: number;
}

/** Records that will be one object. */
interface Group {
  readonly key: string;
  readonly partitionKeys: Readonly<Record<string, string>>;
  readonly records: Transformed[];
  readonly errors: { readonly line: string; readonly received: Received }[];
  readonly errorType: ErrorType | undefined;
  bytes: number;
  oldestMs: number;
  timer: Timer | undefined;
}

/** "The active partition count … 500 by default": partitions whose buffer holds something. */
const ACTIVE_PARTITIONS = 500;
const RETRY_MS = 5_000;

export function startDelivery(options: DeliveryOptions): Delivery {
  const { cloud, settings, maxIntervalMs } = options;
  const { clock, random, scheduler } = cloud.kernel;
  const partitionKeys = partitionKeysOf(settings.prefix);
  const groups = new Map<string, Group>();
  const failedGroups = new Set<Group>();
  const running = new Set<Promise<void>>();
  let waiting: Received[] = [];
  let waitingBytes = 0;
  let waitingTimer: Timer | undefined;
  let transforming = Promise.resolve();
  let stopped = false;
  let failure: unknown;

  const track = (work: Promise<void>) => {
    const done: Promise<void> = work.finally(() => running.delete(done));
    running.add(done);
    done.catch(() => {});
    return done;
  };

  const receive = (record: Received) => {
    const { transform } = settings;
    if (transform === undefined) {
      add({ received: record, data: record.data, partitionKeys: {} });
      return;
    }
    if (waiting.length > 0 && waitingBytes + record.data.length > transform.bufferBytes) runTransform();
    waiting.push(record);
    waitingBytes += record.data.length;
    if (waitingBytes >= transform.bufferBytes) runTransform();
    else waitingTimer ??= scheduler.after(Math.min(transform.bufferMs, maxIntervalMs), runTransform);
  };

  /** One invocation after the other: what came first is delivered first. */
  const runTransform = () => {
    waitingTimer?.cancel();
    waitingTimer = undefined;
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    waitingBytes = 0;
    transforming = track(transforming.then(() => transformAndRoute(batch)));
  };

  const transformAndRoute = async (batch: readonly Received[]) => {
    if (stopped) return;
    const { ok, failed, dropped } = await transformBatch(batch, {
      cloud,
      settings: settings.transform!,
      deliveryStreamArn: options.arn,
      sourceArn: options.sourceArn,
    });
    cloud.trace.note('firehose', 'transformed', { stream: options.name, ok: ok.length, failed: failed.length });
    for (const record of dropped) record.done();
    for (const record of ok) add(record);
    addFailures('processing-failed', failed);
  };

  const add = (record: Transformed) => {
    let key = '';
    const values: Record<string, string> = {};
    if (settings.partitioned) {
      for (const name of partitionKeys) {
        const value = record.partitionKeys[name];
        if (typeof value !== 'string' || value === '') {
          refuse(record, 'DynamicPartitioning.MetadataExtractionFailed', `The partition key ${name} is missing.`);
          return;
        }
        values[name] = value;
      }
      key = JSON.stringify(values);
      // "… the rest of the records … are delivered to the specified S3 error bucket prefix (activePartitionExceeded)."
      if (!groups.has(key) && activePartitions() >= ACTIVE_PARTITIONS) {
        refuse(
          record,
          'DynamicPartitioning.ActivePartitionsLimitExceeded',
          'The number of active partitions has exceeded the configured limit',
          'activePartitionExceeded',
        );
        return;
      }
    }
    const group = groupOf(key, undefined, values);
    group.records.push(record);
    grow(group, record.data.length, record.received.arrivalMs);
  };

  const activePartitions = () => [...groups.values()].filter((group) => group.errorType === undefined).length;

  const refuse = (record: Transformed, code: string, message: string, type: ErrorType = 'processing-failed') =>
    addFailures(type, [{ received: record.received, attempts: 1, code, message }]);

  const addFailures = (type: ErrorType, failures: readonly Failure[], catalogTable?: Json) => {
    for (const failure of failures) {
      const group = groupOf(type, type, {});
      const lambdaArn = settings.transform?.lambdaArn;
      const line = errorRecord(type, failure, {
        endedMs: clock.now(),
        ...(lambdaArn !== undefined && { lambdaArn }),
        ...(catalogTable !== undefined && { catalogTable }),
      });
      group.errors.push({ line, received: failure.received });
      grow(group, line.length, failure.received.arrivalMs);
      cloud.trace.note('firehose', type, { stream: options.name, code: failure.code, message: failure.message });
    }
  };

  const groupOf = (key: string, errorType: ErrorType | undefined, partitionKeys: Group['partitionKeys']): Group => {
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        key,
        errorType,
        partitionKeys,
        records: [],
        errors: [],
        bytes: 0,
        oldestMs: Number.POSITIVE_INFINITY,
        timer: undefined,
      };
      groups.set(key, group);
    }
    return group;
  };

  const grow = (group: Group, bytes: number, arrivalMs: number) => {
    group.bytes += bytes;
    group.oldestMs = Math.min(group.oldestMs, arrivalMs);
    if (group.bytes >= settings.bufferBytes) close(group);
    else group.timer ??= scheduler.after(Math.min(settings.bufferMs, maxIntervalMs), () => close(group));
  };

  const close = (group: Group) => {
    group.timer?.cancel();
    if (groups.get(group.key) === group) groups.delete(group.key);
    failedGroups.delete(group);
    track(deliver(group));
  };

  /** "Firehose retries for up to 24 hours": here until it works or the runtime ends. */
  const deliver = async (group: Group) => {
    if (stopped) return;
    try {
      if (group.errorType === undefined) await putRecords(group);
      else await putErrors(group, group.errorType);
    } catch (error) {
      failure = error;
      failedGroups.add(group);
      cloud.trace.note('firehose', 'delivery failed', { stream: options.name, reason: String(error) });
      group.timer = scheduler.after(Math.min(RETRY_MS, maxIntervalMs), () => {
        if (failedGroups.has(group)) close(group);
      });
    }
  };

  const putRecords = async (group: Group) => {
    const { body, extension, written, failed, catalogTable } = await formatRecords(group.records, settings, options);
    if (body !== undefined) {
      const prefix = evaluatePrefix(settings.prefix, {
        atMs: group.oldestMs,
        partitionKeys: group.partitionKeys,
        randomString,
      });
      await put(`${prefix}${objectName(group)}${settings.fileExtension ?? extension}`, body);
    }
    for (const { received } of written) received.done();
    addFailures('format-conversion-failed', failed, catalogTable);
  };

  const putErrors = async (group: Group, errorType: ErrorType) => {
    const prefix = evaluatePrefix(settings.errorPrefix || settings.prefix, {
      atMs: group.oldestMs,
      errorType,
      randomString,
    });
    await put(`${prefix}${objectName(group)}`, Buffer.from(group.errors.map(({ line }) => line).join('')));
    for (const { received } of group.errors) received.done();
  };

  const put = async (Key: string, Body: Buffer) => {
    await cloud.call({ principal: settings.roleArn }, 's3', 'PutObject', { Bucket: settings.bucket, Key, Body });
    cloud.trace.note('firehose', 'delivered', { stream: options.name, key: Key, bytes: Body.length });
  };

  /** "DeliveryStreamName-DeliveryStreamVersion-YYYY-MM-dd-HH-MM-SS-RandomString". */
  const objectName = (group: Group) =>
    `${options.name}-1-${formatTime('yyyy-MM-dd-HH-mm-ss', group.oldestMs)}-${random.uuid()}`;
  const randomString = () => random.hex(11);

  return {
    receive,
    async flush() {
      failure = undefined;
      for (;;) {
        runTransform();
        await transforming;
        for (const group of [...groups.values(), ...failedGroups]) close(group);
        if (running.size === 0) return;
        await Promise.all(running);
        if (failure !== undefined) throw failure;
      }
    },
    stop() {
      stopped = true;
      waitingTimer?.cancel();
      for (const group of [...groups.values(), ...failedGroups]) group.timer?.cancel();
    },
  };
}
