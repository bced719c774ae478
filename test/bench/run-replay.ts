import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { BUCKETS } from '../../src/projection/projection-table.ts';
import type { CatchUpProgress } from '../../src/replay/catch-up.ts';
import type { Plan, Slice } from '../../src/replay/plan.ts';
import type { Verified, VerifyProgress } from '../../src/replay/verify.ts';
import { buildChild, childFile } from './build-child.ts';
import type { Ask, Told } from './children/replayer.ts';
import { type History, LAGGING } from './replay-history.ts';

export type Taken = Readonly<
  Record<
    'wall' | 'fold' | 'overFold' | 'cpuOverFold' | 'cpu' | 'serial' | 'resident' | 'requests' | 'heads' | 'states',
    number
  >
>;

const outfile = childFile('replayer');

export async function buildReplayer(): Promise<void> {
  await buildChild('replayer');
}

export interface ReplayOf extends History {
  readonly folder: string;
  readonly ledger: 'whole' | 'fields';
}

/** A whole rebuild, from its plan to its promotion: its parts are shared among so many processes, each with its buckets and a table of its own. */
export async function runReplay(given: ReplayOf, workers: 1 | 2): Promise<Taken> {
  const { aggregates, versions } = given;
  const hands = await Promise.all(sharesOf(BUCKETS, workers).map((own) => startWorker(given, own.join(''))));
  const [first] = hands as [Worker];
  const told: Record<string, { wall: number; cpu: number }> = {};
  let resident = 0;
  const step = async (name: string, asks: readonly [Worker, Ask][]) => {
    const began = process.hrtime.bigint();
    const answers = await Promise.all(asks.map(([worker, ask]) => worker.ask(ask)));
    const cpu = answers.reduce((sum, answer) => sum + answer.cpu, 0);
    resident = Math.max(resident, ...answers.map((answer) => answer.resident));
    if (process.env.REPLAY_TRACE)
      console.error(
        name,
        (Number(process.hrtime.bigint() - began) / 1e6).toFixed(0),
        'ms',
        (cpu / 1e6).toFixed(0),
        'ms CPU',
      );
    told[name] = { wall: Number(process.hrtime.bigint() - began), cpu };
    return answers.map(({ answer }) => answer);
  };
  try {
    const [planned] = (await step('plan', [[first, { step: 'plan' }]])) as [Plan];
    const plan = { ...planned, parts: BUCKETS };
    const shares = sharesOf(BUCKETS, workers);
    const slicesOf = (own: readonly string[]) => plan.slices.filter(({ bucket }: Slice) => own.includes(bucket));
    await step(
      'fold',
      hands.map((worker, i) => [worker, { step: 'fold', plan, slices: slicesOf(shares[i]!) }]),
    );
    await step('join', [[first, { step: 'join', plan }]]);
    const caughtUp = (
      (await step(
        'catchUp',
        hands.map((worker, i) => [worker, { step: 'catchUp', plan, parts: shares[i]! }]),
      )) as CatchUpProgress[][]
    ).flat();
    const verified = (
      (await step(
        'verifyParts',
        hands.map((worker, i) => [worker, { step: 'verifyParts', plan, parts: shares[i]!, caughtUp }]),
      )) as VerifyProgress[][]
    ).flat();
    const [whole] = (await step('verify', [[first, { step: 'verify', plan, caughtUp, verified }]])) as [Verified];
    const [active] = await step('promote', [[first, { step: 'promote', plan }]]);
    const tail = Math.ceil(aggregates / LAGGING);
    assert.equal(active, 'bench');
    assert.deepEqual(
      [whole.aggregates, whole.applied, whole.differences],
      [aggregates, aggregates * versions + tail, 0],
    );
    assert.ok(whole.sampled > 100);
    const requests = await Promise.all(hands.map((worker) => worker.requests()));
    const counted = (what: string) =>
      requests.flatMap((by) => Object.entries(by)).reduce((sum, [name, n]) => sum + (name.startsWith(what) ? n : 0), 0);
    const sum = (of: 'wall' | 'cpu', steps = Object.keys(told)) =>
      steps.reduce((total, name) => total + told[name]![of], 0);
    const { fold } = told as { fold: { wall: number; cpu: number } };
    return {
      wall: sum('wall'),
      fold: fold.wall,
      overFold: sum('wall') / fold.wall,
      cpuOverFold: sum('cpu') / fold.cpu,
      cpu: sum('cpu'),
      serial: (100 * sum('cpu', ['plan', 'join', 'verify', 'promote'])) / sum('cpu'),
      resident,
      requests: (counted('events') - tail) / aggregates,
      heads: counted('events head') / aggregates,
      states: counted('states') / aggregates,
    };
  } finally {
    for (const worker of hands) await worker.end();
  }
}

/** One slice that holds all of a history: what its process holds at most, in MB. The states go nowhere. */
export async function foldOneSlice(given: ReplayOf): Promise<number> {
  const worker = await startWorker(given, BUCKETS.join(''), 'drops');
  try {
    const { answer } = await worker.ask({ step: 'plan' });
    const plan = answer as Plan;
    const { folded, resident } = await worker.fold(plan);
    assert.equal(folded, given.aggregates * given.versions);
    return resident;
  } finally {
    await worker.end();
  }
}

type Worker = Awaited<ReturnType<typeof startWorker>>;

/** Each its own, in turn. */
function sharesOf(buckets: readonly string[], workers: number): readonly (readonly string[])[] {
  return Array.from({ length: workers }, (_, i) => buckets.filter((_, n) => n % workers === i));
}

async function startWorker({ folder, aggregates, versions, ledger }: ReplayOf, buckets: string, ...more: string[]) {
  const child = fork(outfile, [folder, String(aggregates), String(versions), buckets, ledger, ...more], {
    execArgv: ['--conditions=daybook-source'],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  });
  let pending: { readonly done: (message: unknown) => void; readonly fail: (error: Error) => void } | undefined;
  child.on('message', (message) => pending?.done(message));
  const closed = new Promise<number | null>((done) => child.once('close', done));
  closed.then((code) => pending?.fail(new Error(`a replay's worker ended with ${code}`)));
  const next = () =>
    new Promise<unknown>((done, fail) => {
      pending = { done, fail };
    });
  let last: Told | undefined;
  await next();
  const ask = async (given: Ask): Promise<Told> => {
    const answer = next();
    child.send(given);
    last = (await answer) as Told;
    return last;
  };
  return {
    ask,
    requests: async () => last?.requests ?? {},
    /** All slices as one. */
    async fold(plan: Plan) {
      const { answer, resident } = await ask({ step: 'oneSlice', plan });
      return { folded: (answer as { applied: number }).applied, resident };
    },
    async end() {
      child.kill();
      await closed;
    },
  };
}
