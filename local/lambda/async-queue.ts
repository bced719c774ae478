import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import type { Timer } from '../kernel/kernel.ts';
import { sendToDestination, sendToQueue } from './destination.ts';
import { functionArn } from './function-name.ts';
import type { AsyncConfiguration, FunctionRegistry, Resolved } from './function-registry.ts';
import { type Invocation, type Invoker, requestTooLarge } from './invoker.ts';

/** What Lambda's internal event queue does with `InvocationType: Event`. */
export interface AsyncQueue {
  /** Takes the event and gives its request id; it runs soon. */
  accept(resolved: Resolved, event: string): string;
  /** How many events are to run at once. */
  due(): number;
  stop(): void;
}

interface QueuedEvent {
  readonly requestId: string;
  readonly event: string;
  readonly name: string;
  readonly qualifier: string | undefined;
  readonly acceptedAt: number;
  /** How often the function ran. */
  invokes: number;
  /** How often it could not run. */
  throttles: number;
}

// "AWS Lambda increases maximum payload size from 256 KB to 1 MB for asynchronous invocations" (October 2025).
const MAXIMUM_ASYNC_REQUEST = 1_048_576;
// "By default, Lambda retries … two times, with a one-minute wait between the first two attempts, and two minutes between
// the second and third"; "maximum age of event: 6 hours" (Lambda developer guide, asynchronous invocation).
export const ASYNC_RETRY_DELAYS_MS = [60_000, 120_000] as const;
const DEFAULTS = { retries: 2, maximumAgeSeconds: 21_600, onFailure: undefined, onSuccess: undefined };

/** What the journal keeps: an event as it stands before its next attempt, or that it is over. */
type Kept = { readonly waits: QueuedEvent; readonly dueMs: number } | { readonly over: string };

export function createAsyncQueue(
  cloud: Cloud,
  registry: FunctionRegistry,
  invoker: Invoker,
  retryDelaysMs: readonly number[],
  journal?: Journal,
): AsyncQueue {
  const { clock, scheduler, random } = cloud.kernel;
  const timers = new Set<Timer>();
  let stopped = false;
  let due = 0;
  /** Events that are not over, when they are kept. */
  const open = new Map<string, Extract<Kept, { waits: QueuedEvent }>>();
  // What was accepted runs when everything that it may call is there.
  let held = journal !== undefined;
  const write = journal?.join<Kept>('lambda', {
    restore(kept) {
      if ('over' in kept) open.delete(kept.over);
      else open.set(kept.waits.requestId, kept);
    },
    snapshot: () => open.values(),
    resume() {
      held = false;
      for (const { waits, dueMs } of open.values()) {
        if (waits.invokes + waits.throttles === 0) due += 1;
        run(Math.max(0, dueMs - clock.now()), waits);
      }
    },
  });

  const over = ({ requestId }: QueuedEvent) => {
    if (open.delete(requestId)) write?.({ over: requestId });
  };

  const later = (delayMs: number, entry: QueuedEvent) => {
    if (write !== undefined) {
      const kept = { waits: { ...entry }, dueMs: clock.now() + delayMs };
      open.set(entry.requestId, kept);
      write(kept);
    }
    if (!held) run(delayMs, entry);
  };

  const run = (delayMs: number, entry: QueuedEvent) => {
    if (stopped) return;
    const timer = scheduler.after(delayMs, () => {
      timers.delete(timer);
      return attempt(entry);
    });
    timers.add(timer);
  };

  const attempt = async (entry: QueuedEvent): Promise<void> => {
    if (entry.invokes + entry.throttles === 0) due -= 1;
    if (registry.find(entry.name) === undefined) return over(entry); // deleted meanwhile
    const { record } = registry.resolve(entry.name, entry.qualifier);
    const settings = record.asyncConfigurations.get(entry.qualifier ?? '$LATEST') ?? { ...DEFAULTS, lastModified: 0 };
    const deadline = entry.acceptedAt + settings.maximumAgeSeconds * 1000;
    let invocation: Invocation;
    try {
      invocation = await invoker.run(entry.name, entry.event, {
        qualifier: entry.qualifier,
        requestId: entry.requestId,
      });
    } catch (error) {
      if (stopped) return;
      if (record.reservedConcurrency === 0) return giveUp(entry, settings, 'ZeroReservedConcurrency', error);
      // "For throttling errors (429) and system errors (500-series), Lambda returns the event to the queue and attempts to
      // run the function again for up to 6 hours … The retry interval increases exponentially from 1 second … to … 5 minutes."
      const delayMs = Math.min(1000 * 2 ** entry.throttles, 300_000);
      entry.throttles += 1;
      if (clock.now() + delayMs > deadline) return giveUp(entry, settings, 'EventAgeExceeded', error);
      return later(delayMs, entry);
    }
    entry.invokes += 1;
    if (!invocation.failed) {
      if (settings.onSuccess !== undefined && !stopped) {
        await deliver(entry, settings.onSuccess, record.latest.role, 'Success', invocation);
      }
      return over(entry);
    }
    if (entry.invokes > settings.retries) return giveUp(entry, settings, 'RetriesExhausted', invocation);
    const delayMs = retryDelaysMs[entry.invokes - 1] ?? 0;
    if (clock.now() + delayMs > deadline) return giveUp(entry, settings, 'EventAgeExceeded', invocation);
    later(delayMs, entry);
  };

  const giveUp = async (entry: QueuedEvent, settings: AsyncConfiguration, condition: string, cause: unknown) => {
    const record = registry.find(entry.name);
    if (record === undefined) return over(entry);
    cloud.trace.note('lambda', 'event dropped', { function: entry.name, condition, requestId: entry.requestId });
    const invocation = cause instanceof Error ? undefined : (cause as Invocation);
    if (settings.onFailure !== undefined) {
      await deliver(entry, settings.onFailure, record.latest.role, condition, invocation);
    }
    if (record.latest.deadLetterTarget === undefined) return over(entry);
    // "RequestID, ErrorCode (the HTTP status code) and ErrorMessage (the first 1 KB)" beside the event itself.
    const message = invocation === undefined ? String(cause) : (JSON.parse(invocation.payload)?.errorMessage ?? '');
    await attemptSend(entry.name, () =>
      sendToQueue(cloud, record.latest.role, record.latest.deadLetterTarget!, entry.event, {
        attributes: {
          RequestID: { DataType: 'String', StringValue: entry.requestId },
          ErrorCode: { DataType: 'Number', StringValue: invocation === undefined ? '429' : '200' },
          ErrorMessage: { DataType: 'String', StringValue: String(message).slice(0, 1024) || 'Unknown' },
        },
      }),
    );
    over(entry);
  };

  const deliver = (
    entry: QueuedEvent,
    destination: string,
    role: string | undefined,
    condition: string,
    invocation: Invocation | undefined,
  ) => {
    const record: Json = {
      version: '1.0',
      timestamp: new Date(clock.now()).toISOString(),
      requestContext: {
        requestId: entry.requestId,
        functionArn: functionArn(cloud.account, entry.name, entry.qualifier ?? '$LATEST'),
        condition,
        approximateInvokeCount: entry.invokes,
      },
      requestPayload: JSON.parse(entry.event),
      ...(invocation !== undefined && {
        responseContext: {
          statusCode: 200,
          executedVersion: invocation.version,
          ...(invocation.failed && { functionError: 'Unhandled' }),
        },
        responsePayload: JSON.parse(invocation.payload),
      }),
    };
    return attemptSend(entry.name, () => sendToDestination(cloud, role, destination, record, condition === 'Success'));
  };

  /** "If Lambda can't send a record to a destination, it … reports DestinationDeliveryFailures": noted, not thrown. */
  const attemptSend = async (name: string, send: () => Promise<void>) => {
    try {
      await send();
    } catch (error) {
      cloud.trace.note('lambda', 'destination failed', { function: name, error: String(error) });
    }
  };

  return {
    accept(resolved, event) {
      if (Buffer.byteLength(event) > MAXIMUM_ASYNC_REQUEST) throw requestTooLarge(MAXIMUM_ASYNC_REQUEST);
      const requestId = random.uuid();
      if (!held) due += 1;
      later(0, {
        requestId,
        event,
        name: resolved.record.name,
        qualifier: resolved.reference.qualifier,
        acceptedAt: clock.now(),
        invokes: 0,
        throttles: 0,
      });
      return requestId;
    },
    due: () => due,
    stop() {
      stopped = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}

/** EventInvokeConfig's ranges: "MaximumRetryAttempts 0–2, MaximumEventAgeInSeconds 60–21600". */
export function checkAsyncRange(name: string, value: Json, minimum: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new ServiceError(
    'InvalidParameterValueException',
    `${name} must be between ${minimum} and ${maximum}, not ${value}`,
  );
}
