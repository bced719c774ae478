import './errors.ts';
import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { READ_UNIT } from '../list-prices.ts';
import { advanceTo, itemOf } from '../projection/project.ts';
import { BUCKETS, currentBuild, type ProjectionItem, type ProjectionTable } from '../projection/projection-table.ts';
import { readRollup } from '../projection/read.ts';
import type { Runner } from '../projection/runner.ts';
import { addTally, emptyTally, type Tally } from '../projection/tally.ts';
import type { EventTable } from '../store/event-table.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { boundedWork } from './bounded-work.ts';
import type { BuildProgress } from './builds.ts';
import type { CaughtUp } from './catch-up.ts';
import { SAMPLED } from './estimate.ts';
import { namingRunner } from './naming-runner.ts';
import type { Plan } from './plan.ts';
import { countsIn } from './range.ts';
import { spendingOf } from './spending.ts';
import { refuseStopped } from './stopped.ts';

export interface VerifyPorts {
  readonly table: ProjectionTable;
  readonly events: EventTable;
  readonly files: ArchiveFiles;
  readonly builds: BuildProgress;
}

/** What was counted so far of a part of the build; handed from one invocation to the next. */
export interface VerifyProgress extends Verified {
  /** The buckets that are its own, a hex digit each. */
  readonly part: string;
  readonly done: boolean;
  /** How many of them have been read. */
  readonly buckets: number;
  /** Of the bucket that comes now the build was read, and the live one is read beside it. */
  readonly beside?: boolean;
  /** The last aggregate that was looked at in it. */
  readonly after?: string;
  /** Files of the report that were written. */
  readonly reportFiles: number;
  readonly problems: readonly string[];
}

/** What a build, or a part of it, was found to hold. */
export interface Verified {
  readonly aggregates: number;
  readonly versions: number;
  readonly applied: number;
  /** Aggregates folded again from the table and compared. */
  readonly sampled: number;
  /** Aggregates whose state at the same version is another in the build that is live. */
  readonly differences: number;
  /** Some of them, by name. */
  readonly differing: readonly string[];
}

export const verifyStart = (part: string): VerifyProgress => ({
  ...{ part, done: false, buckets: 0, reportFiles: 0, problems: [] },
  ...{ aggregates: 0, versions: 0, applied: 0, sampled: 0, differences: 0, differing: [] },
});

/** Of each part, and of all of them: what they name goes through the machine. */
const MOST_NAMED = 10;
const TALLY_ATTEMPTS = 3;
/** Folds of single aggregates at once. */
const AT_ONCE = 8;
/** A file of a report holds so many characters, roughly. */
const REPORT_CHARACTERS = 8_000_000;

/**
 * Counts a part of the build, and folds aggregates again, straight from the table, to compare state with state: a random sample,
 * or all of them as the request says. Where another build is live, each state is compared with its own; what differs is told, not
 * refused: a new fold is there to differ. What the live one has and the build lacks is brought from the table: catching up goes by
 * an index that may lack an aggregate of just then, which live events met before they joined. A report's states are written beside it as JSON lines.
 */
export async function verifyPart(
  ports: VerifyPorts,
  given: Runner,
  plan: Plan,
  { aggregates }: Pick<CaughtUp, 'aggregates'>,
  progress: VerifyProgress,
  isLate: () => boolean,
): Promise<VerifyProgress> {
  await refuseStopped(ports.builds, plan)();
  const runner = namingRunner(given);
  const { after: _, beside: __, ...start } = progress;
  const totals = { ...start, problems: [...start.problems], differing: [...start.differing] };
  const live = await liveBuildBeside(ports.table, runner, plan);
  const isSampled = sampler(plan, aggregates);
  const report = reportWriter(ports.files, plan, totals);
  const spending = spendingOf(ports.builds, plan, 1);
  const { part } = progress;
  let { after, beside = false } = progress;

  const look = async (page: readonly ProjectionItem[]) => {
    const work = boundedWork(AT_ONCE);
    for (const item of page) {
      totals.aggregates++;
      totals.versions += item.position;
      totals.applied += item.applied;
      if (runner.projection.kind === 'projection') report.add(item);
      if (!isSampled(item.aggregateUuid)) continue;
      totals.sampled++;
      await work.add(async () => {
        const problem = await compareWithTable(ports.events, runner, plan, item);
        if (problem !== undefined && totals.problems.length < MOST_NAMED) totals.problems.push(problem);
      });
    }
    await work.settled();
  };
  const add = async (aggregateUuid: string) => {
    const head = await ports.events.head(aggregateUuid);
    if (head === undefined || !runner.concerns(head.aggregateType)) return;
    const fold = await advanceTo(ports, runner, plan.build, { aggregateUuid, to: head.version });
    totals.aggregates++;
    totals.versions += fold.position;
    totals.applied += fold.applied;
  };
  const lookBeside = async (page: readonly ProjectionItem[]) => {
    const work = boundedWork(AT_ONCE);
    for (const aggregateUuid of await compareWithLive(ports.table, plan, page, totals))
      await work.add(() => add(aggregateUuid));
    await work.settled();
  };

  outer: while (totals.buckets < part.length) {
    const bucket = part.charAt(totals.buckets);
    for (; ; beside = true) {
      const build = beside ? live : plan.build;
      if (build === undefined) break;
      for await (const page of ports.table.list(plan.projection, build, bucket, after)) {
        await (beside ? lookBeside : look)(page);
        after = page.at(-1)?.aggregateUuid ?? after;
        spending.add(page.length * READ_UNIT);
        await spending.settle();
        await report.flush(REPORT_CHARACTERS);
        if (isLate()) break outer;
      }
      after = undefined;
      if (beside) break;
    }
    beside = false;
    const problem = runner.projection.kind === 'rollup' && (await tallyProblem(ports.table, plan, bucket));
    if (problem && totals.problems.length < MOST_NAMED) totals.problems.push(problem);
    totals.buckets++;
    if (isLate()) break;
  }
  await report.flush(1);
  const progressed = { done: totals.aggregates, of: aggregates, spent: spending.rest() };
  await ports.builds.progress(plan.projection, plan.name, 'verify', part, progressed);
  return { ...totals, done: totals.buckets === part.length, beside, ...(after !== undefined && { after }) };
}

/**
 * What all parts have come to, against what catching up saw in the table; of a rollup's report the values are written. Throws
 * `replay.notVerified` on any problem.
 */
export async function verify(
  { builds, table, files }: VerifyPorts,
  { projection: rollup }: Runner,
  plan: Plan,
  caughtUp: CaughtUp,
  parts: readonly VerifyProgress[],
): Promise<Verified> {
  await refuseStopped(builds, plan)();
  const sum = (of: (part: Verified) => number) => parts.reduce((total, part) => total + of(part), 0);
  const verified = {
    aggregates: sum((part) => part.aggregates),
    versions: sum((part) => part.versions),
    applied: sum((part) => part.applied),
    sampled: sum((part) => part.sampled),
    differences: sum((part) => part.differences),
    differing: parts.flatMap(({ differing }) => differing).slice(0, MOST_NAMED),
  };
  if (rollup.kind === 'rollup' && plan.kind === 'report') {
    const report = reportWriter(files, plan, { part: 'values', reportFiles: 0 });
    const { values } = await readRollup(table, rollup, { build: plan.build });
    for (const [key, value] of values) {
      report.line(JSON.stringify({ key, state: value }));
      await report.flush(REPORT_CHARACTERS);
    }
    await report.flush(1);
  }
  const found = parts.flatMap(({ problems }) => problems).slice(0, MOST_NAMED);
  const problems = [...found, ...countProblems(plan, caughtUp, verified)];
  const { projection, build } = plan;
  if (problems.length > 0) throw new DaybookError('replay.notVerified', { projection, build, problems });
  return verified;
}

/** A rebuild may be farther than catching up saw (live events have joined it), never behind; a report is exactly there. */
function countProblems(
  plan: Plan,
  expected: CaughtUp,
  actual: { readonly aggregates: number; readonly versions: number },
): string[] {
  const exact = plan.kind === 'report';
  const differs = (found: number, wanted: number) => (exact ? found !== wanted : found < wanted);
  const found: string[] = [];
  if (differs(actual.aggregates, expected.aggregates)) {
    found.push(`it holds ${actual.aggregates} aggregates, the table ${expected.aggregates}`);
  }
  if (differs(actual.versions, expected.versions)) {
    found.push(`it has looked at ${actual.versions} versions, the table's heads add up to ${expected.versions}`);
  }
  if (expected.holed.length > 0) {
    found.push(`aggregates with a missing version in the table: ${expected.holed.join(', ')}`);
  }
  return found;
}

/**
 * Whether what a bucket's aggregates have added to a rollup is what its values were made of, neither less nor more. Both grow
 * while they are read, so that the aggregates' entries lie between the values' before and after; where nothing was added
 * meanwhile, hashes are compared too. A read in the midst of a transaction may see a part of it: what differs is read again.
 */
async function tallyProblem(table: ProjectionTable, plan: Plan, bucket: string): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const before = await talliesOf(table.values(plan.projection, plan.build, bucket), (value) => value);
    const added = await talliesOf(table.list(plan.projection, plan.build, bucket), (item) => JSON.parse(item.state));
    const after = await talliesOf(table.values(plan.projection, plan.build, bucket), (value) => value);
    const isSame = before.entries !== after.entries || added.sum === after.sum;
    if (isSame && before.entries <= added.entries && added.entries <= after.entries) return undefined;
    if (attempt === TALLY_ATTEMPTS) {
      const [found, wanted] = [JSON.stringify(after), JSON.stringify(added)];
      return `the values of bucket ${bucket} were made of ${found}, its aggregates have added ${wanted}`;
    }
  }
}

async function talliesOf<T>(pages: AsyncIterable<readonly T[]>, tally: (one: T) => Tally): Promise<Tally> {
  const total = emptyTally();
  for await (const page of pages) for (const one of page) addTally(total, tally(one));
  return total;
}

/** By a hash of the build and the aggregate: other ones each time, the same ones when a verification is repeated. */
function sampler({ name, request }: Plan, aggregates: number): (aggregateUuid: string) => boolean {
  if (request.verify === 'all') return () => true;
  const share = aggregates === 0 ? 1 : (BUCKETS.length * SAMPLED) / aggregates;
  if (share >= 1) return () => true;
  const limit = share * 2 ** 32;
  return (aggregateUuid) => createHash('md5').update(`${name}/${aggregateUuid}`).digest().readUInt32BE(0) < limit;
}

async function liveBuildBeside(table: ProjectionTable, runner: Runner, plan: Plan): Promise<string | undefined> {
  if (plan.kind === 'report') return undefined;
  const { version } = runner.projection;
  const live = currentBuild(await table.pointer(plan.projection, version), version);
  return live === plan.build ? undefined : live;
}

/** A page of the live build beside the new one; the answer is what that lacks. */
async function compareWithLive(
  table: ProjectionTable,
  { projection, build }: Plan,
  page: readonly ProjectionItem[],
  totals: { differences: number; differing: string[] },
): Promise<readonly string[]> {
  const ids = page.map(({ aggregateUuid }) => aggregateUuid);
  const ours = new Map((await table.getMany(projection, build, ids)).map((item) => [item.aggregateUuid, item]));
  for (const { aggregateUuid, position, state } of page) {
    const item = ours.get(aggregateUuid);
    if (item === undefined || item.position !== position || item.state === state) continue;
    totals.differences++;
    if (totals.differing.length < MOST_NAMED) totals.differing.push(aggregateUuid);
  }
  return ids.filter((id) => !ours.has(id));
}

async function compareWithTable(
  events: EventTable,
  runner: Runner,
  { request }: Plan,
  item: ProjectionItem,
): Promise<string | undefined> {
  const counts = countsIn(request);
  const fold = runner.start();
  for await (const page of events.query(item.aggregateUuid, { from: 1, to: item.position })) {
    for (const event of page) runner.apply(fold, event, counts(event));
  }
  const again = itemOf(item.aggregateUuid, fold);
  if (again.position !== item.position)
    return `${item.aggregateUuid} is at version ${item.position}, the table at ${again.position}`;
  if (again.applied !== item.applied)
    return `${item.aggregateUuid} counted ${item.applied} events, the table has ${again.applied}`;
  if (again.state !== item.state)
    return `${item.aggregateUuid} differs at version ${item.position} from a fold of the table`;
  return undefined;
}

/** Files of a report are numbered in the order of the part's items: written again they are the same. */
function reportWriter(files: ArchiveFiles, plan: Plan, totals: { readonly part: string; reportFiles: number }) {
  let lines: string[] = [];
  let characters = 0;
  return {
    add({ aggregateUuid, position, applied, state }: ProjectionItem): void {
      if (plan.kind !== 'report' || applied === 0) return;
      this.line(`${JSON.stringify({ aggregateUuid, position, applied }).slice(0, -1)},"state":${state}}`);
    },
    line(json: string): void {
      lines.push(`${json}\n`);
      characters += json.length + 1;
    },
    async flush(least: number): Promise<void> {
      if (characters < least) return;
      const number = String(totals.reportFiles++).padStart(6, '0');
      await files.writeText(`reports/${plan.projection}/${plan.build}/${totals.part}-${number}.jsonl`, lines.join(''));
      lines = [];
      characters = 0;
    },
  };
}
