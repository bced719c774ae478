import { type Cloud, type Json, ServiceError } from '../../local/cloud.ts';
import { CrashedRuntime, type InProcessContext } from '../../local/lambda/invoker.ts';
import type { Lambda } from '../../local/lambda/lambda.ts';
import { TABLES } from './cores.ts';
import { lendGlobals } from './globals.ts';
import type { CodeUnderTest, Entry, Globals } from './load-code.ts';
import type { Fault } from './plan.ts';
import type { World } from './world.ts';

type Handler = (event: Json, context: InProcessContext) => Promise<Json> | Json;

export interface FunctionOptions {
  readonly name: string;
  readonly entry: Entry;
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** What may befall an invocation, around the handler. Default: nothing. */
  readonly around?: (run: () => Promise<Json>, event: Json) => Promise<Json>;
}

/** Told of what functions say and do. */
export interface Witness {
  logged(functionName: string, line: string): void;
  readonly act: Act;
  /** The reconciler has read an aggregate in the events table. */
  looked(aggregate: string): void;
  /** Is a feed done with its adoption, if it had to wait for one? */
  adopted(feed: string): boolean;
  /** An effect has failed. */
  failed(consumer: string, feed: string, aggregate: string, version: number): void;
}

export interface FunctionHost {
  /** Deploys a function: Lambda's core invokes it in this process. */
  deploy(options: FunctionOptions): Promise<void>;
  /** The run is over: its environments are told nothing more. */
  close(): void;
  /** What has failed of an aggregate will not fail any more. */
  mend(consumer: string, aggregate: string): void;
}

/** One invocation under way. Once it is over none of its calls does anything any more. */
interface Invocation {
  over(): boolean;
  /** By the keys of positions: under which name it holds their leases, as the table has answered it. */
  readonly leases: Map<string, string>;
  /** Of what it does under these something has not ended, and will not. */
  readonly unended: Set<string>;
  remainingMs(): number;
  crash(): void;
  /** It stands still, and goes on even where its time is over by then. */
  pause(ms: number): Promise<void>;
}

/** An execution environment: modules loaded once, one invocation at a time, thrown away with a crash. */
interface Environment {
  readonly handler: Handler;
  invocation: Invocation;
}

/** A promise of its own for each who waits: what waits for one that stays is kept as long as that. */
const never = () => new Promise<never>(() => {});

/** Runs functions of the code under test in execution environments, each call of a service through time, faults and crashes. */
export function createFunctionHost(
  world: World,
  cloud: Cloud,
  lambda: Lambda,
  code: CodeUnderTest,
  { logged, act, adopted, failed, looked }: Witness,
): FunctionHost {
  const lent: ReturnType<typeof lendGlobals>[] = [];
  const failures = new Map<string, number>();
  // A redrive reads to the head: behind a hole, too, it shall happen. And what is parked shall come along to another feed.
  const often = world.plan.faults.has('permanentHole') || world.plan.faults.has('recreatedFeed') ? 0.5 : 0.2;
  /** Some effects fail for a while, and one in two of those so often that it parks. */
  const failsNow: Globals['failsNow'] = (consumer, aggregate, version) => {
    const key = `${consumer}|${aggregate}:${version}`;
    const left = failures.get(key) ?? (world.strikes('failingEffect', often) ? world.pick(1, 10) : 0);
    failures.set(key, Math.max(0, left - 1));
    // What a rule invokes directly has its third attempt after three minutes: until then it fails on.
    const goesOn = consumer === 'rule' && world.plan.ruleTo === 'function';
    const fails = left > 0 && (goesOn || !world.faultsAreOver());
    if (fails) world.note(`${consumer}: the effect of ${aggregate}:${version} fails`);
    return fails;
  };
  const startEnvironment = (options: FunctionOptions): Environment => {
    const environment = {
      invocation: {
        over: () => true,
        leases: new Map(),
        unended: new Set(),
        remainingMs: () => 0,
        crash() {},
        async pause() {},
      },
    } as unknown as {
      -readonly [K in keyof Environment]: Environment[K];
    };
    const { name } = options;
    const call = async (service: Parameters<Cloud['call']>[1], operation: string, input: Json) => {
      if (options.entry === 'reconcile-feed' && !adopted(options.variables.FEED_ID!))
        await disturbAdoption(world, name, environment.invocation);
      const answer = await callService(world, cloud, name, environment.invocation, service, operation, input);
      if (options.entry === 'reconcile-feed' && operation === 'Query' && input.TableName === TABLES.events)
        if (input.IndexName === undefined) looked(input.ExpressionAttributeValues[':a'].S);
      return answer;
    };
    const fails: Globals['failsNow'] = (consumer, aggregate, version) => {
      const now = failsNow(consumer, aggregate, version);
      if (now) failed(consumer, options.variables.FEED_ID!, aggregate, version);
      return now;
    };
    const { faults, skewMs } = world.plan;
    const skew = faults.has('skew') ? [-skewMs, world.pick(-skewMs, skewMs), skewMs][world.pick(0, 2)]! : 0;
    if (skew !== 0) world.struck('skew');
    const globals = lendGlobals({
      now: () => world.now() + skew,
      random: () => world.pick(0, 999_999) / 1_000_000,
      later: world.later,
      sleep: world.sleep,
      call,
      log: (line) => logged(name, line),
      async outsideWorld(consumer, feed, event, key) {
        const { aggregateUuid: aggregate, version } = event as Json;
        if (!fails(consumer, aggregate, version)) return await act(consumer, feed, event, key, environment.invocation);
        if (version % 3 > 0) throw new Error('the effect fails');
        // What is asked never answers: its lease is left to end by itself.
        const { invocation } = environment;
        invocation.leases.delete(`${consumer}|${feed}|${aggregate}`);
        invocation.unended.add(`${consumer}|${feed}|${aggregate}`);
        world.later(invocation.remainingMs() - 1, () => {
          if (!invocation.over() && !faults.has('pausedFunction'))
            world.violate(`${name} waits for what does not end until its time is over`);
        });
        return await never();
      },
      failsNow: fails,
    });
    lent.push(globals);
    const { handler } = code(options.entry, { ...globals.of, process: { env: options.variables } });
    environment.handler = handler;
    return environment;
  };

  return {
    close() {
      for (const each of lent) each.giveBack();
    },
    mend(consumer, aggregate) {
      for (const key of failures.keys()) if (key.startsWith(`${consumer}|${aggregate}:`)) failures.set(key, 0);
    },
    async deploy(options) {
      const { name, timeoutSeconds, around = (run) => run() } = options;
      const idle: Environment[] = [];
      const runOnce = (event: Json, context: InProcessContext): Promise<Json> => {
        const environment = idle.pop() ?? startEnvironment(options);
        return new Promise((resolve, reject) => {
          let over = false;
          let outlives = false;
          const invocation: Invocation = {
            leases: new Map(),
            unended: new Set(),
            remainingMs: () => context.getRemainingTimeInMillis(),
            over: () => over || (!outlives && context.isOver()),
            pause(ms) {
              outlives = true;
              world.note(`${name} stands still for ${Math.round(ms / 1000)} s`);
              return world.sleep(ms);
            },
            crash() {
              over = true;
              world.note(`${name} crashes`);
              reject(new CrashedRuntime());
            },
          };
          environment.invocation = invocation;
          const finish = (settle: () => void) => {
            if (invocation.over()) return;
            over = true;
            if (!outlives) idle.push(environment);
            settle();
          };
          Promise.resolve()
            .then(() => environment.handler(event, context))
            .then(
              (answer) => {
                if (
                  !invocation.over() &&
                  invocation.leases.size > 0 &&
                  KEEP_LEASES.every((each) => !world.plan.faults.has(each))
                )
                  world.violate(`${name} ends, and keeps the lease of ${[...invocation.leases.keys()]}`);
                finish(() => resolve(answer));
              },
              (error) => {
                if (
                  !invocation.over() &&
                  options.entry === 'table-to-feed' &&
                  FAIL_ENRICHMENT.every((each) => !world.plan.faults.has(each))
                )
                  world.violate(`${name} fails, and its tables have answered: ${(error as Error).message}`);
                finish(() => reject(error));
              },
            );
        });
      };
      lambda.registerInProcess(name, async (event, context) => {
        try {
          return await around(() => runOnce(event, context), event);
        } catch (error) {
          if (!(error instanceof CrashedRuntime)) world.note(`${name} fails: ${(error as Error).message}`);
          throw error;
        }
      });
      const caller = { principal: 'root' };
      await cloud.call(caller, 'lambda', 'UpdateFunctionConfiguration', {
        FunctionName: name,
        Timeout: timeoutSeconds,
      });
    },
  };
}

/** An effect outside DynamoDB; the invocation may end in it. */
export type Act = (
  consumer: string,
  feed: string,
  event: unknown,
  key: string,
  invocation: Invocation,
) => Promise<void>;

/** Who holds which lease, from what the table answers. */
function followLease({ leases }: Invocation, operation: string, input: Json, done: boolean): void {
  const holder = input.ExpressionAttributeValues?.[':holder'];
  if (operation !== 'UpdateItem' || holder === undefined) return;
  const key = input.Key.Consumer.S;
  const [set, removed = ''] = input.UpdateExpression.split('REMOVE');
  if (!done || removed.includes('LeaseHolder')) leases.delete(key);
  else if (set.includes('LeaseHolder')) leases.set(key, holder.S);
}

/** Without these it has no reason to fail, whatever an item holds. */
const FAIL_ENRICHMENT: readonly Fault[] = [
  'throttle',
  'throttledCursor',
  'adoptedNow',
  'recreatedFeed',
  'restoredTable',
];

/** It is nothing but that: a lease that went with a move is not given back again. */
const givesBack = (input: Json) => underLease(input) && input.UpdateExpression?.startsWith('REMOVE Lease') === true;

const endsLease = (input: Json) => underLease(input) && /REMOVE.*LeaseHolder/.test(input.UpdateExpression);

/** Under these one may have lost it without knowing. */
const LOSE_LEASES: readonly Fault[] = ['pausedFunction', 'skew'];

/** Under these one may not come to give it back. */
const KEEP_LEASES: readonly Fault[] = [...LOSE_LEASES, 'throttle'];

/** What is done under a lease: there it costs most to stand still. */
const underLease = (input: Json) => input.ExpressionAttributeValues?.[':holder'] !== undefined;

/** What came to a parked aggregate meanwhile waits, and must not be forgotten. */
const unparks = (input: Json) => input.UpdateExpression?.startsWith('REMOVE ParkedIn') === true;

const isOfCursors = (input: Json) =>
  input.TableName === TABLES.confirmed || input.RequestItems?.[TABLES.confirmed] !== undefined;

/**
 * A page of a Query may end anywhere: here after a few items, where DynamoDB's ends after a megabyte. Around an item that is no event
 * it ends at the same place each time, as DynamoDB's does: what it hides stays hidden.
 */
function paged(world: World, operation: string, input: Json): Json {
  if (operation !== 'Query' || input.TableName !== TABLES.events) return input;
  return { ...input, Limit: Math.min(input.Limit ?? 4, world.plan.faults.has('permanentHole') ? 4 : world.pick(1, 4)) };
}

/** A run that adopts is overtaken by another, or ends, and the next one goes on. */
async function disturbAdoption(world: World, name: string, invocation: Invocation): Promise<void> {
  if (invocation.over()) return;
  if (world.strikesAdoption(0.1)) {
    world.note(`${name} is held up in its adoption`);
    await world.sleep(world.pick(500, 8_000));
  }
  if (world.strikesAdoption(0.03)) invocation.crash();
}

async function callService(
  world: World,
  cloud: Cloud,
  name: string,
  invocation: Invocation,
  service: Parameters<Cloud['call']>[1],
  operation: string,
  input: Json,
): Promise<Json> {
  if (invocation.over()) return never();
  await world.sleep(world.pick(1, 15));
  if (invocation.over()) return never();
  if (world.strikes('pausedFunction', 0.02)) await invocation.pause(world.pick(15_000, 85_000));
  if (unparks(input) && world.strikes('failingEffect', 0.9)) await world.sleep(world.pick(0, 3_000));
  if (world.strikes('throttle', 0.08) || (isOfCursors(input) && world.strikes('throttledCursor', 0.2))) {
    world.note(`${name}: ${operation} is throttled`);
    const code = service === 'events' ? 'ThrottlingException' : 'ProvisionedThroughputExceededException';
    throw new ServiceError(code, 'Rate exceeded');
  }
  if (world.strikes('crash', world.plan.crashChance)) {
    invocation.crash();
    return never();
  }
  let answer: Json;
  try {
    if (endsLease(input) && invocation.unended.has(input.Key?.Consumer?.S))
      world.violate(`${name} ends the lease of ${input.Key.Consumer.S}, and what it does there goes on`);
    answer = await cloud.call({ principal: name }, service, operation, paged(world, operation, input));
    followLease(invocation, operation, input, true);
  } catch (error) {
    if (invocation.over()) return never();
    followLease(invocation, operation, input, false);
    if (givesBack(input) && LOSE_LEASES.every((fault) => !world.plan.faults.has(fault)))
      world.violate(`${name} gives back a lease of ${input.Key.Consumer.S}, which it does not hold`);
    throw error;
  }
  if (world.strikes('pausedFunction', underLease(input) ? 0.15 : 0.02))
    await invocation.pause(world.pick(15_000, 85_000));
  // The answer takes its time too, and meanwhile others act.
  if (world.chance(0.3)) await world.sleep(world.pick(1, 40));
  if (invocation.over()) return never();
  if (world.strikes('crash', world.plan.crashChance)) {
    invocation.crash();
    return never();
  }
  return answer;
}
