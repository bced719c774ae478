import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** What happens to the calls of a client: each a chance in [0, 1]. */
export interface ClientFaults {
  /** Throttled, or an internal error, before anything was done. */
  readonly refused?: number;
  /** Done, and the connection breaks before the answer is here. */
  readonly lostAnswers?: number;
  /** Done, and an error follows that nothing knows how to retry. */
  readonly oddAnswers?: number;
  /** What happens to the n-th call to the wire from here on, counted from 1. */
  readonly at?: (call: number) => 'refused' | 'lostAnswer' | 'oddRefusal' | 'oddAnswer' | undefined;
  /** A query's page ends after so many items at the most; each time anew. */
  readonly pageSize?: () => number;
}

/** Everything that a client sent, by the name of the command, and a switch for its faults. */
export interface Watched {
  readonly calls: string[];
  faults: ClientFaults;
  /** How many went to the wire, also those that the SDK or the table tried again; set it to 0 to count anew. */
  wired: number;
}

/**
 * Brings faults into a client of the SDK, whatever endpoint it speaks to: between the SDK's own middleware and the wire, as
 * a network does it.
 */
export function watchClient(client: DynamoDBClient, random: () => number): Watched {
  const watched: Watched = { calls: [], faults: {}, wired: 0 };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      watched.calls.push(String(context.commandName));
      const { pageSize } = watched.faults;
      if (pageSize !== undefined && context.commandName === 'QueryCommand') {
        const input = args.input as { Limit?: number };
        return await next({ ...args, input: { ...input, Limit: Math.min(input.Limit ?? 1e6, pageSize()) } as never });
      }
      return await next(args);
    },
    { step: 'initialize', name: 'watch' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const { refused = 0, lostAnswers = 0, oddAnswers = 0, at } = watched.faults;
      const fault = at?.(++watched.wired);
      if (fault === 'refused' || random() < refused) throw REFUSALS[Math.floor(random() * REFUSALS.length)]!();
      if (fault === 'oddRefusal') throw odd();
      const result = await next(args);
      if (fault === 'lostAnswer' || random() < lostAnswers) throw hangUp();
      if (fault === 'oddAnswer' || random() < oddAnswers) throw odd();
      return result;
    },
    { step: 'finalizeRequest', name: 'break', priority: 'low' },
  );
  return watched;
}

const hangUp = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const odd = () => new Error('the answer could not be understood');
const failure = (name: string, httpStatusCode: number) => () =>
  Object.assign(new Error(`injected ${name}`), { name, $metadata: { httpStatusCode } });

const REFUSALS = [
  failure('ThrottlingException', 400),
  failure('ProvisionedThroughputExceededException', 400),
  failure('InternalServerError', 500),
  failure('ServiceUnavailable', 503),
  () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
];

/** Is it one of the faults, and not an answer of the endpoint or of Daybook? */
export function isInjected(error: unknown): boolean {
  return error instanceof Error && INJECTED.test(error.message);
}

const INJECTED = /^(injected |connect ECONNREFUSED|socket hang up|the answer could not be understood)/;
