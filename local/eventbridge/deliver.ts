import { type Cloud, ServiceError } from '../cloud.ts';
import type { DeliveringRule, Rule, Target } from './bus.ts';
import type { BusEvent } from './event.ts';
import { callTarget, serviceCaller } from './target-call.ts';
import { inputFor } from './target-input.ts';

// "By default, EventBridge retries sending the event for 24 hours and up to 185 times with an exponential back off and
// jitter" (user guide, event retry policy). The steps between are assumed.
const MAX_ATTEMPTS = 185;
const MAX_AGE_SECONDS = 86_400;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 480_000;

/** An event on its way to one target of a rule. */
export interface PendingDelivery {
  readonly id: string;
  readonly rule: DeliveringRule;
  readonly target: Target;
  readonly event: BusEvent;
  readonly startMs: number;
  /** How often it was tried again. */
  readonly retries: number;
  readonly dueMs: number;
}

/** Writes down which deliveries are under way, when everything is kept. */
export interface DeliveryKeeper {
  /** Nothing is delivered yet: the targets of a restart are still being made. */
  held: boolean;
  waits(delivery: PendingDelivery): void;
  over(delivery: PendingDelivery): void;
}

/** Delivers an event to one target of a rule: at least once, in no order, again after failures, at last as a dead letter. */
export function deliver(cloud: Cloud, keeper: DeliveryKeeper | undefined, rule: Rule, target: Target, event: BusEvent) {
  const now = cloud.kernel.clock.now();
  const { name, arn, bus } = rule;
  const id = keeper === undefined ? '' : cloud.kernel.random.uuid();
  const delivery = { id, rule: { name, arn, bus }, target, event, startMs: now, retries: 0, dueMs: now };
  keeper?.waits(delivery);
  if (keeper?.held !== true) goOn(cloud, keeper, delivery);
}

/** Makes the attempts of a delivery, from where it stands. */
export function goOn(cloud: Cloud, keeper: DeliveryKeeper | undefined, delivery: PendingDelivery): void {
  const { kernel, trace } = cloud;
  const { rule, target, event, startMs } = delivery;
  const mostRetries = target.RetryPolicy?.MaximumRetryAttempts ?? MAX_ATTEMPTS;
  const mostAgeMs = (target.RetryPolicy?.MaximumEventAgeInSeconds ?? MAX_AGE_SECONDS) * 1000;
  const notes = { rule: rule.name, target: target.Arn, event: event.id };

  const attempt = async (retries: number): Promise<void> => {
    try {
      await callTarget(cloud, rule, target, event, inputFor(target, rule, event));
      trace.note('events', 'event delivered', { ...notes, retries });
      keeper?.over(delivery);
    } catch (error) {
      const failure = classify(error);
      trace.note('events', 'delivery failed', { ...notes, retries, error: failure.code, message: failure.message });
      const pause = pauseMs(retries, kernel.random.next());
      const condition =
        retries >= mostRetries
          ? 'MaximumRetryAttempts'
          : kernel.clock.now() + pause - startMs > mostAgeMs
            ? 'MaximumEventAgeInSeconds'
            : undefined;
      if (failure.retry && condition === undefined) {
        keeper?.waits({ ...delivery, retries: retries + 1, dueMs: kernel.clock.now() + pause });
        kernel.scheduler.after(pause, () => attempt(retries + 1));
        return;
      }
      await giveUp(cloud, rule, target, event, {
        ...failure,
        retries,
        condition: failure.retry ? condition : undefined,
      });
      keeper?.over(delivery);
    }
  };
  kernel.scheduler.after(Math.max(0, delivery.dueMs - kernel.clock.now()), () => attempt(delivery.retries));
}

/** Doubling from a second to eight minutes, each pause cut by up to half. */
function pauseMs(retries: number, chance: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retries) * (1 - chance / 2);
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
}

/**
 * "For errors that result from missing permissions to a target, or if a target resource no longer exists, no retry
 * attempts will happen"; the codes are those of the user guide's page on dead-letter queues.
 */
function classify(error: unknown): Failure {
  if (!(error instanceof ServiceError)) return { code: 'INTERNAL_ERROR', message: String(error), retry: true };
  const { code, message, status } = error;
  if (/AccessDenied|NotAuthorized|Forbidden/.test(code)) return { code: 'NO_PERMISSIONS', message, retry: false };
  if (/NotFound|DoesNotExist|NoSuch/.test(code)) return { code: 'NO_RESOURCE', message, retry: false };
  if (/Throttl|TooManyRequests|LimitExceeded|ThroughputExceeded|OverLimit|SlowDown/.test(code)) {
    return { code: 'THROTTLING', message, retry: true };
  }
  if (/InvalidRequestContent|InvalidExecutionInput/.test(code)) return { code: 'INVALID_JSON', message, retry: false };
  if (status >= 500) return { code: 'ERROR_FROM_TARGET', message, retry: true };
  if (/UnknownOperation/.test(code)) return { code: 'SDK_CLIENT_ERROR', message, retry: false };
  return { code: 'INVALID_PARAMETER', message, retry: false };
}

interface GivenUp extends Failure {
  readonly retries: number;
  readonly condition: string | undefined;
}

/** Sends the event with what went wrong to the target's dead-letter queue, when it has one. */
async function giveUp(
  cloud: Cloud,
  rule: DeliveringRule,
  target: Target,
  event: BusEvent,
  failure: GivenUp,
): Promise<void> {
  const queue = target.DeadLetterConfig?.Arn;
  const notes = { rule: rule.name, target: target.Arn, event: event.id, error: failure.code };
  if (queue === undefined) {
    cloud.trace.note('events', 'event dropped', notes);
    return;
  }
  const [account, name] = queue.split(':').slice(-2);
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  try {
    await cloud.call(serviceCaller(rule), 'sqs', 'SendMessage', {
      QueueUrl: `http://127.0.0.1/${account}/${name}`,
      MessageBody: event.text,
      MessageAttributes: {
        RULE_ARN: text(rule.arn),
        TARGET_ARN: text(target.Arn),
        ERROR_CODE: text(failure.code),
        ERROR_MESSAGE: text(failure.message || failure.code),
        ...(failure.condition !== undefined && { EXHAUSTED_RETRY_CONDITION: text(failure.condition) }),
        RETRY_ATTEMPTS: text(String(failure.retries)),
      },
    });
    cloud.trace.note('events', 'dead letter', { ...notes, queue });
  } catch (error) {
    cloud.trace.note('events', 'event dropped', { ...notes, queue, reason: String(error) });
  }
}
