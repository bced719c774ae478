import type { dynamoEventTable as DynamoEventTable } from '../../src/aws/dynamo-event-table.ts';
import { type Audit, createAudit } from './audit.ts';
import { type Cores, createCores, TABLES } from './cores.ts';
import { type Deployment, deployFeed, FIRST_FEED } from './deployment.ts';
import { disturb } from './disturb.ts';
import { createFunctionHost, type FunctionHost } from './function-host.ts';
import type { CodeUnderTest } from './load-code.ts';
import { type Cut, type Fault, planOf } from './plan.ts';
import { sdkOf } from './sdk.ts';
import { createWorld, type World } from './world.ts';
import { startWriters, type Writers } from './writers.ts';

export interface RunResult {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

export interface RunOptions {
  /** Keep a line of everything that happens. */
  readonly trace?: boolean;
  /** End the run soon after its first violation. */
  readonly stopAtFirst?: boolean;
  /** What is left of the run. Default: all of it. */
  readonly cut?: Cut;
}

const MINUTE = 60_000;
/** After faults have stopped: without the reconciler by then, and with it within so many of its rounds. */
const PROMPT_MS = 3 * MINUTE;
const ROUNDS = 40;
const ROUND_MS = 5 * MINUTE;
const SILENT_ROUNDS = 3;

/** One seeded run: writers, pipe, feed, Confirm, reconciler and consumers under faults; then the checks from outside. */
export async function simulate(seed: number, code: CodeUnderTest, options: RunOptions = {}): Promise<RunResult> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // faults are errors by the hundred, and nobody reads where they were made
  try {
    return await run(seed, code, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function run(seed: number, code: CodeUnderTest, options: RunOptions): Promise<RunResult> {
  const plan = planOf(seed, options.cut);
  const world = createWorld(plan, options.trace === true);
  const audit = createAudit(world);
  const cores = createCores(world, audit);
  const host = createFunctionHost(world, cores.cloud, cores.lambda, code, audit);
  try {
    return await play({ world, audit, cores, host, code, options });
  } finally {
    host.close();
  }
}

interface Stage {
  readonly world: World;
  readonly audit: Audit;
  readonly cores: Cores;
  readonly host: FunctionHost;
  readonly code: CodeUnderTest;
  readonly options: RunOptions;
}

async function play({ world, audit, cores, host, code, options }: Stage): Promise<RunResult> {
  const { plan } = world;
  const writers = startWriters(world, cores, audit, putOf(world, code, cores));
  const feeds = createFeeds(world, cores, audit, host, writers);
  await feeds.begin();

  const missing = () => {
    const { feed } = feeds.current();
    const list = audit.adopted(feed) ? [] : [`${feed} is not adopted`];
    for (const [aggregate, k] of writers.expected) {
      const reached = [
        ['the feed', audit.tail(feed, aggregate)],
        ['Confirm', audit.confirmed(feed, aggregate)],
      ] as [string, number][];
      for (const consumer of plan.consumers) reached.push([consumer, audit.reached(consumer, feed, aggregate)]);
      for (const [name, at] of reached) if (at < k) list.push(`${name} has ${aggregate} up to ${at} of ${k}`);
    }
    for (const { consumer, aggregate } of audit.parked(feed)) list.push(`${aggregate} is parked in ${consumer}`);
    return list;
  };
  const ended = () => options.stopAtFirst === true && world.violations.length > 0;
  const result = () => {
    const { violations, trace, counts } = world;
    return { seed: plan.seed, faults: [...plan.faults], violations, trace, counts };
  };
  const pass = (ms: number) => world.kernel.run(world.now() + ms);
  const round = async () => {
    const current = feeds.current();
    const waits = audit.adopted(current.feed) ? audit.parked(current.feed).length : 0;
    const counted = audit.metric('ParkedAggregates', 'reconciler');
    world.later(0, current.reconcile);
    // A person's command, beside the reconciler's own run.
    if (!audit.adopted(current.feed)) world.later(world.pick(0, 2_000), current.reconcile);
    world.later(MINUTE, () => current.redrive(audit.parked(current.feed)));
    await pass(ROUND_MS);
    if (waits > 0 && audit.metric('ParkedAggregates', 'reconciler') === counted)
      world.violate(`${waits} aggregates are parked, and the reconciler does not count them`);
  };

  await pass(plan.faultsMs + 100);
  if (ended()) return result();
  if (plan.oneMore) await Promise.all([writers.close(), pass(1)]);
  await pass(PROMPT_MS);
  if (plan.prompt) for (const each of missing()) world.violate(`without the reconciler: ${each}`);
  const arrive = async () => {
    let rounds = 0;
    for (; rounds < ROUNDS && (missing().length > 0 || rounds < 1) && !ended(); rounds++) await round();
    if (!ended()) for (const each of missing()) world.violate(`after ${rounds} rounds: ${each}`);
  };
  const alarms = () => ['Holes', 'UnpublishedEvents'].map((name) => audit.metric(name, 'reconciler'));
  const [holes, unpublished] = alarms();
  await arrive();
  if (ended()) return result();
  if (plan.faults.has('restoredTable')) {
    world.struck('restoredTable');
    const lost = writers.restore();
    if (plan.feedAnew) {
      await feeds.goOn();
      for (let i = 0; i < ROUNDS && !audit.adopted(feeds.current().feed); i++) await round();
      await Promise.all([writers.goOn(), pass(1_000)]);
      await arrive();
    } else {
      await Promise.all([feeds.current().recreatePipe('TRIM_HORIZON'), pass(MINUTE)]);
      // A Confirm that does not read for an hour may not be back yet.
      await Promise.all([writers.goOn(), pass(plan.faults.has('deadConfirm') ? 60 * MINUTE : PROMPT_MS)]);
      // A run of the reconciler may end after one page of aggregates.
      for (let i = 0; i < SILENT_ROUNDS && (i === 0 || audit.metric('OtherHistories') === 0); i++) await round();
      if (lost > 0 && audit.metric('OtherHistories') === 0)
        world.violate(`${lost} events are lost, others are appended, and nobody is told`);
    }
    if (ended()) return result();
  }
  // By now it has been looked at again. A Confirm that does not read for an hour may not be back yet.
  if (plan.faults.has('permanentHole') && !plan.faults.has('deadConfirm')) world.later(0, writers.behindHole);
  await pass(MINUTE);
  afforded(world);
  const before = audit.activity();
  for (let i = 0; i < SILENT_ROUNDS; i++) await round();
  if (audit.activity() > before)
    world.violate(`it is not silent: ${audit.activity() - before} writes more when all was delivered`);
  // By now the reconciler has seen every aggregate, however few it looks at in a run.
  told(world, audit);
  // What only a person can mend stays counted, and is looked at again.
  const [moreHoles, moreUnpublished] = alarms();
  if (world.counts.has('holes') && (moreHoles === holes || moreUnpublished === unpublished))
    world.violate('a permanent hole is not counted any more');
  for (const aggregate of writers.expected.keys())
    if (audit.looksAtHole(feeds.current().feed, aggregate) === 0)
      world.violate(`the hole of ${aggregate} is not looked at again`);
  return result();
}

/** The feed of a run, and the one that takes over from it. */
function createFeeds(world: World, cores: Cores, audit: Audit, host: FunctionHost, writers: Writers) {
  const { plan } = world;
  let current: Deployment;
  const deploy = async (feed: string, from: string, calm = false) => {
    world.note(`${feed} begins, from ${from}`);
    audit.begins(feed, from);
    current = await deployFeed(world, cores, audit, host, feed, from);
    if (!calm) disturb(world, cores, audit, current);
    // Its adoption is the reconciler's to carry on.
    if (from !== 'start') for (const ms of [200, 300, 2_000, 6_000]) world.later(ms, current.reconcile);
  };
  return {
    current: () => current,
    /** Another feed goes on where this one is. */
    async goOn() {
      const { feed, retire } = current;
      await Promise.all([retire(), world.kernel.run(world.now() + MINUTE)]);
      await deploy('feed-2', feed, true);
    },
    async begin() {
      const from = plan.faults.has('adoptedNow') ? 'now' : 'start';
      if (from === 'start') await deploy(FIRST_FEED, from);
      else {
        await world.kernel.run(world.now() + world.pick(1_000, 9_000));
        world.struck('adoptedNow');
        await deploy(FIRST_FEED, from);
        const begin = (): void => {
          if (audit.adopted(FIRST_FEED)) writers.begin();
          else if (!world.faultsAreOver()) world.later(50, begin);
        };
        begin();
      }
      if (!plan.faults.has('recreatedFeed')) return;
      world.later(world.pick(3_000, 12_000), async () => {
        world.struck('recreatedFeed');
        const retired = current.retire();
        // Of a feed that has done nothing there is nothing to go on from: it is refused, and a person begins from the start.
        const goesOn = plan.takeOver !== 'start' && cores.keepsAnything();
        await deploy('feed-2', goesOn ? FIRST_FEED : 'start');
        await retired;
      });
    },
  };
}

/** Events on the feed for each that was appended: where nothing makes the senders repeat themselves, and in any run. */
const MOST_FED_CALM = 4;
const MOST_ENVELOPES = 8;

/** What a run may cost at the most, whatever has befallen it. */
function afforded(world: World): void {
  const { plan, counts } = world;
  const of = (what: string) => counts.get(what) ?? 0;
  const fed = of('eventsFed') / of('appended');
  if (plan.prompt && plan.offersOnce && fed > MOST_FED_CALM)
    world.violate(`${fed.toFixed(1)} events are fed for each that was appended`);
  const envelopes = of('envelopes') / of('appended');
  if (envelopes > MOST_ENVELOPES) world.violate(`${envelopes.toFixed(1)} envelopes are sent for each event`);
}

/** Under these a record may never reach the enrichment. */
const LOSE_RECORDS: readonly Fault[] = ['wrongRetry', 'stoppedPipe', 'recreatedPipe', 'deadLetters'];

/** Under these a call fails, and who has made it may fail with it. */
const FAIL_CALLS: readonly Fault[] = ['throttle', 'throttledCursor', 'partialPut', 'latePut', 'lostPutAnswer'];

/** What an operator must have been told of. */
function told(world: World, audit: Audit): void {
  const { faults } = world.plan;
  const must = (metric: string, least: number) => {
    if (audit.metric(metric) < least)
      world.violate(`${metric} is ${audit.metric(metric)}, it must be ${least} at least`);
  };
  const whole = LOSE_RECORDS.every((fault) => !faults.has(fault));
  if (whole) must('ImmutabilityBreaches', world.counts.get('breach') ?? 0);
  if (whole && faults.has('poison')) must('Poison', 2);
  // Nobody reads a feed that another took over from.
  if (faults.has('foreignFeed') && !faults.has('lostConfirm') && !faults.has('recreatedFeed'))
    must('EnvelopesRefused', world.counts.get('foreignFeed') ?? 0);
  must('Holes', world.counts.get('holes') ?? 0);
  // What is counted is an alarm: nobody is woken for nothing.
  const never = (metric: string, but: readonly Fault[]) => {
    if (but.every((fault) => !faults.has(fault)) && audit.metric(metric) > 0)
      world.violate(`${metric} is ${audit.metric(metric)}, and nothing of that kind has happened`);
  };
  // A crash takes what was counted along, and by the next try it may follow on what is confirmed.
  if (faults.has('rogue') && !faults.has('lostConfirm') && !faults.has('crash'))
    must('Breaches', world.counts.get('rogue') ?? 0);
  never('Poison', ['poison', 'permanentHole']);
  never('ImmutabilityBreaches', ['breach']);
  never('Breaches', ['rogue']);
  never('OtherHistories', ['restoredTable']);
  never('Holes', ['tornRead', 'lateHole', 'permanentHole', 'poison', 'restoredTable']);
  never('EnvelopesRefused', ['foreignFeed', 'recreatedFeed', 'restoredTable']);
  never('ReconcileFailures', FAIL_CALLS);
  never('AggregatesParked', ['failingEffect', 'lateHole', 'permanentHole', 'tornRead', 'rogue', 'poison']);
}

/** The events table's own `put`, by a writer that nothing befalls. */
function putOf(world: World, code: CodeUnderTest, cores: ReturnType<typeof createCores>) {
  const sdk = sdkOf((service, operation, input) => cores.call(service, operation, input, 'writer'));
  const { DynamoDBClient } = sdk('@aws-sdk/client-dynamodb') as typeof import('@aws-sdk/client-dynamodb');
  const { dynamoEventTable } = code('writer', {
    require: (name) => sdk(name) ?? process.getBuiltinModule(name),
    process: { env: {} },
    console: { log() {} },
    Date,
    Math,
    setTimeout: (task, ms) => world.later(ms, task),
    outsideWorld: async () => {},
    failsNow: () => false,
  });
  return (dynamoEventTable as typeof DynamoEventTable)({
    client: new DynamoDBClient(),
    tableName: TABLES.events,
    sleep: world.sleep,
  }).put;
}
