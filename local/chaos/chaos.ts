import { type Caller, type Cloud, type Json, ServiceError, type ServiceName } from '../cloud.ts';
import type { DynamoDbFaults } from '../dynamodb/dynamodb.ts';
import { type Kernel, type Random, seededRandom } from '../kernel/kernel.ts';
import type { Intercept } from '../kinesis/put.ts';
import { type Fault, SERVICE_FAULTS } from './faults.ts';
import type { ChaosPlan } from './read-plan.ts';

/** Faults on demand, around the cloud's door; the cores know nothing of them. */
export interface Chaos {
  /** The cloud for calls from outside: by functions, by people's clients. */
  outside(cloud: Cloud): Cloud;
  /** The cloud for what services do for one another: readings, invocations and deliveries. */
  inside(cloud: Cloud): Cloud;
  /** For Kinesis: lets single records of a PutRecords fail. */
  readonly putFaults: Intercept;
  /** For DynamoDB: leaves single requests of a batch unprocessed. */
  readonly leaves: NonNullable<DynamoDbFaults['leaves']>;
  /** Nothing is struck before: the template has to be made first. */
  begin(): void;
  /** How often each fault struck, by `service:fault`. */
  struck(): Readonly<Record<string, number>>;
}

/** What a slow call waits. */
const SLOW_MS = [50, 1000] as const;
/** By how much a delivery may be overtaken. */
const OVERTAKEN_MS = [0, 2000] as const;

export function createChaos(seed: number, plan: ChaosPlan, kernel: Kernel): Chaos {
  const counts = new Map<string, number>();
  const chances = new Map<string, Random>();
  let active = false;
  let note: Cloud['trace']['note'] = () => {};

  /** Each fault of each service draws from its own sequence, so that one switch changes nothing of another's. */
  const chanceOf = (key: string): Random => {
    let chance = chances.get(key);
    if (chance === undefined) {
      chance = seededRandom([...key].reduce((hash, sign) => Math.imul(hash, 31) + sign.charCodeAt(0), seed));
      chances.set(key, chance);
    }
    return chance;
  };
  const strikes = (service: ServiceName, fault: Fault, detail: string): boolean => {
    const rate = active ? plan.get(service)?.[fault] : undefined;
    const key = `${service}:${fault}`;
    if (rate === undefined || chanceOf(key).next() >= rate) return false;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    note(service, `chaos: ${fault}`, { what: detail });
    return true;
  };
  const between = (service: ServiceName, fault: Fault, [from, to]: readonly [number, number]) =>
    from + chanceOf(`${service}:${fault} time`).next() * (to - from);
  const wait = (service: ServiceName, fault: Fault, range: readonly [number, number]) =>
    kernel.scheduler.sleep(between(service, fault, range));
  const shuffled = <T>(service: ServiceName, list: readonly T[]): { readonly item: T; readonly from: number }[] => {
    const places = list.map((item, from) => ({ item, from, at: chanceOf(`${service}:reorder order`).next() }));
    return places.sort((a, b) => a.at - b.at);
  };

  const refusal = (service: ServiceName, fault: 'throttle' | 'fail'): ServiceError => {
    const { code, message, status = 400 } = SERVICE_FAULTS[service]![fault];
    return new ServiceError(code, message, { status });
  };

  /** A call that the caller's SDK tries again: refused, late, or done without its caller being told. */
  const struckCall = async (service: ServiceName, operation: string, call: () => Promise<Json>): Promise<Json> => {
    const faults = SERVICE_FAULTS[service];
    if (faults === undefined || !faults.operations.test(operation)) return await call();
    if (strikes(service, 'slow', operation)) await wait(service, 'slow', SLOW_MS);
    if (strikes(service, 'throttle', operation)) throw refusal(service, 'throttle');
    if (!strikes(service, 'fail', operation)) return await call();
    const done = faults.writes.test(operation) && chanceOf(`${service}:fail done`).next() < 0.5;
    if (done) await call();
    throw refusal(service, 'fail');
  };

  const putRecords = async (input: Json, call: (input: Json) => Promise<Json>): Promise<Json> => {
    if (strikes('kinesis', 'slow', 'PutRecords')) await wait('kinesis', 'slow', SLOW_MS);
    const order =
      Array.isArray(input.Records) && input.Records.length > 1 && strikes('kinesis', 'reorder', 'PutRecords')
        ? shuffled<Json>('kinesis', input.Records)
        : undefined;
    const answer = await call(order === undefined ? input : { ...input, Records: order.map(({ item }) => item) });
    // The records are taken, their sender is not told and sends them again: how records come twice.
    if (strikes('kinesis', 'repeat', 'an answer lost')) throw refusal('kinesis', 'fail');
    if (order === undefined) return answer;
    const Records: Json[] = [];
    for (const [i, { from }] of order.entries()) Records[from] = answer.Records[i];
    return { ...answer, Records };
  };

  /** Single entries of a request fail, the others are done: what handlers forget to look at. */
  const inPart = async (
    service: ServiceName,
    { entries, results, failed, codes }: PartialAnswer,
    input: Json,
    call: (input: Json) => Promise<Json>,
  ): Promise<Json> => {
    if (strikes(service, 'slow', entries)) await wait(service, 'slow', SLOW_MS);
    const refused: (Json | undefined)[] = input[entries].map(() => {
      const fault = (['throttle', 'fail'] as const).find((one) => strikes(service, one, 'an entry'));
      return fault && { ErrorCode: codes[fault], ErrorMessage: SERVICE_FAULTS[service]![fault].message };
    });
    const taken = input[entries].filter((_: Json, i: number) => refused[i] === undefined);
    const answer = taken.length === 0 ? {} : await call({ ...input, [entries]: taken });
    const rest: Json[] = [...(answer[results] ?? [])];
    const count = refused.filter((one) => one !== undefined).length;
    return {
      ...answer,
      [failed]: (answer[failed] ?? 0) + count,
      [results]: refused.map((one) => one ?? rest.shift()),
    };
  };

  /** Messages that were or will be received twice; once each, so that a queue becomes empty whatever the rate. */
  const repeated = new Set<string>();
  /**
   * Their first receipt handles: "the copy of the message isn't deleted on that unavailable server, and you might get that
   * message copy again". So what is done with the first handle is answered and leaves the copy.
   */
  const copies = new Set<string>();
  const settle = async (input: Json, call: (input: Json) => Promise<Json>): Promise<Json> => {
    if (!Array.isArray(input.Entries)) return copies.has(input.ReceiptHandle) ? {} : await call(input);
    const isCopy = (entry: Json) => copies.has(entry?.ReceiptHandle);
    const [left, Entries] = [input.Entries.filter(isCopy), input.Entries.filter((entry: Json) => !isCopy(entry))];
    if (left.length === 0) return await call(input);
    const answer = Entries.length === 0 ? { Successful: [] } : await call({ ...input, Entries });
    return { ...answer, Successful: [...answer.Successful, ...left.map(({ Id }: Json) => ({ Id }))] };
  };

  const receive = async (input: Json, call: (operation: string, input: Json) => Promise<Json>): Promise<Json> => {
    if (strikes('sqs', 'drop', 'ReceiveMessage')) return {};
    const answer = await call('ReceiveMessage', input);
    const { Messages = [] } = answer;
    if (String(input.QueueUrl).endsWith('.fifo') || Messages.length === 0) return answer;
    for (const { MessageId, ReceiptHandle } of Messages) {
      if (repeated.has(MessageId) || !strikes('sqs', 'repeat', 'a message')) continue;
      remember(repeated, MessageId);
      remember(copies, ReceiptHandle);
      await call('ChangeMessageVisibility', { QueueUrl: input.QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    }
    if (Messages.length < 2 || !strikes('sqs', 'reorder', 'ReceiveMessage')) return answer;
    return { ...answer, Messages: shuffled<Json>('sqs', Messages).map(({ item }) => item) };
  };

  /** EventBridge on its way to a rule's target: what fails it tries again by the target's retry policy. */
  const deliver = async (call: () => Promise<Json>): Promise<Json> => {
    if (strikes('events', 'reorder', 'delivery')) await wait('events', 'reorder', OVERTAKEN_MS);
    if (strikes('events', 'slow', 'delivery')) await wait('events', 'slow', SLOW_MS);
    if (strikes('events', 'drop', 'delivery')) {
      throw new ServiceError('ServiceUnavailable', 'The target did not answer.', { status: 503 });
    }
    if (strikes('events', 'repeat', 'delivery')) await call();
    return await call();
  };

  /** A mapping hands a batch to its function: "at least once". */
  const handOn = async (call: () => Promise<Json>): Promise<Json> => {
    if (strikes('lambda', 'drop', 'batch')) throw refusal('lambda', 'fail');
    if (strikes('lambda', 'repeat', 'batch')) await call();
    return await struckCall('lambda', 'Invoke', call);
  };

  const doorOf = (cloud: Cloud, inside: boolean): Cloud => {
    ({ note } = cloud.trace);
    const call: Cloud['call'] = async (caller, service, operation, input) => {
      const inner = (given: Json = input, name = operation) => cloud.call(caller, service, name, given);
      if (!active || !plan.size) return await inner();
      if (service === 'kinesis' && /^PutRecords?$/.test(operation)) return await putRecords(input, inner);
      if (inside && isDelivery(caller, input)) return await deliver(inner);
      if (service === 'lambda' && operation === 'Invoke') {
        if (input.InvocationType === 'Event' && strikes('lambda', 'repeat', 'event')) await inner();
        if (inside && caller.principal === 'root') return await handOn(inner);
      }
      const partial = inside ? undefined : PARTIAL[`${service} ${operation}`];
      if (partial !== undefined && Array.isArray(input[partial.entries])) {
        return await inPart(service, partial, input, inner);
      }
      const work = () => {
        if (service !== 'sqs') return inner();
        if (operation === 'ReceiveMessage') return receive(input, (name, given) => inner(given, name));
        return SETTLES.test(operation) ? settle(input, inner) : inner();
      };
      return inside && !READ_OR_INVOKED.test(`${service} ${operation}`)
        ? await work()
        : await struckCall(service, operation, work);
    };
    return { ...cloud, call };
  };

  return {
    outside: (cloud) => doorOf(cloud, false),
    inside: (cloud) => doorOf(cloud, true),
    putFaults({ streamName }) {
      if (strikes('kinesis', 'throttle', streamName)) return 'ProvisionedThroughputExceededException';
      return strikes('kinesis', 'fail', streamName) ? 'InternalFailure' : undefined;
    },
    leaves: (operation) => strikes('dynamodb', 'throttle', operation),
    begin() {
      active = true;
    },
    struck: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const SETTLES = /^(DeleteMessage|ChangeMessageVisibility)(Batch)?$/;

/** The last ten thousand are enough: older messages were settled long ago. */
function remember(set: Set<string>, value: string): void {
  set.add(value);
  if (set.size > 10_000) for (const oldest of set) return void set.delete(oldest);
}

/** Operations that answer for each entry: where the entries and the results are, and the codes of the single entry. */
interface PartialAnswer {
  readonly entries: string;
  readonly results: string;
  readonly failed: string;
  readonly codes: Readonly<Record<'throttle' | 'fail', string>>;
}

const PARTIAL: Readonly<Record<string, PartialAnswer>> = {
  'events PutEvents': {
    entries: 'Entries',
    results: 'Entries',
    failed: 'FailedEntryCount',
    codes: { throttle: 'ThrottlingException', fail: 'InternalFailure' },
  },
  'firehose PutRecordBatch': {
    entries: 'Records',
    results: 'RequestResponses',
    failed: 'FailedPutCount',
    codes: { throttle: 'ServiceUnavailableException', fail: 'InternalFailure' },
  },
};

/**
 * What services do for one another is spared, but for what they try again by themselves: a dead letter or a result that
 * was struck would be lost, as it never is on AWS.
 */
const READ_OR_INVOKED = /^(kinesis GetRecords|dynamodbstreams GetRecords|sqs ReceiveMessage|lambda Invoke)$/;

/** A rule's target is called; its dead-letter queue gets the rule's ARN as an attribute. */
function isDelivery({ sourceArn }: Caller, input: Json): boolean {
  return (
    sourceArn !== undefined && /:events:.*:rule\//.test(sourceArn) && input.MessageAttributes?.RULE_ARN === undefined
  );
}
