import { createHash } from 'node:crypto';
import type { AppDefinition } from '../app.ts';
import { boundedWork } from '../replay/bounded-work.ts';
import { createEventStore } from '../store/event-store.ts';
import { type CheckPorts, checkAggregate, createChecker } from './check-aggregate.ts';
import { collectFindings, type Finding } from './findings.ts';

export interface CheckOptions {
  /** Aggregates of these types; default all. */
  readonly types?: readonly string[];
  /** Only these aggregates. */
  readonly aggregateUuids?: readonly string[];
  /** Types that the app no longer has, on purpose: their aggregates are not looked at. */
  readonly ignoredTypes?: readonly string[];
  /** The part of the aggregates, above 0 and up to 1; with the same seed the same ones. Default 1. */
  readonly sample?: number;
  readonly seed?: number;
  /** So many aggregates at the most. */
  readonly limit?: number;
  /** Aggregates under way at once; default 16. */
  readonly concurrency?: number;
  /** Examples of each kind; default 3. */
  readonly examples?: number;
  /** May messages and examples show what is stored? Default false. */
  readonly quoting?: boolean;
  onProgress?(progress: CheckProgress): void;
}

export interface CheckProgress {
  readonly aggregates: number;
  readonly events: number;
  /** Of data and metadata. */
  readonly bytes: number;
  /** States that were compared with stored ones. */
  readonly compared: number;
  /** Of level error. */
  readonly errors: number;
}

export interface CheckReport extends CheckProgress {
  readonly findings: readonly Finding[];
  /** Findings of kinds that were too many to keep apart. */
  readonly beyond: number;
}

/**
 * Runs the code of an app over stored events: each event's schema and upcasts, the folds of its aggregate, the projections
 * and rollups. Memory holds one page and one state of each aggregate under way, and a few examples of each kind of finding.
 *
 * @example
 * const { findings } = await checkHistory(app, { table }, { sample: 0.1, seed: 7 });
 */
export async function checkHistory(
  app: AppDefinition,
  ports: CheckPorts,
  options: CheckOptions = {},
): Promise<CheckReport> {
  const { limit = Number.POSITIVE_INFINITY, concurrency = 16, examples = 3, quoting = false } = options;
  const findings = collectFindings(examples);
  let aggregates = 0;
  const progress = (): CheckProgress => ({ aggregates, ...checker.counts, errors: findings.errors() });
  const checker = await createChecker(app, ports, {
    ignoredTypes: options.ignoredTypes ?? [],
    quoting,
    onPage: () => options.onProgress?.(progress()),
  });
  const work = boundedWork(concurrency);
  let chosen = 0;
  for await (const aggregateUuid of aggregatesOf(ports, options)) {
    if (!isSampled(aggregateUuid, options.sample ?? 1, options.seed ?? 0)) continue;
    await work.add(async () => {
      if (await checkAggregate(checker, aggregateUuid, findings.within(aggregateUuid))) aggregates++;
    });
    if (++chosen >= limit) break;
  }
  await work.settled();
  return { ...progress(), findings: findings.list(), beyond: findings.beyond() };
}

async function* aggregatesOf(ports: CheckPorts, options: CheckOptions): AsyncGenerator<string, void, undefined> {
  if (options.aggregateUuids !== undefined) {
    yield* new Set(options.aggregateUuids);
    return;
  }
  const store = createEventStore({ table: ports.table });
  for (const type of options.types ?? [undefined]) yield* store.list(type === undefined ? {} : { type });
}

/** The same aggregates for the same seed, wherever and in whatever order they are listed. */
export function isSampled(aggregateUuid: string, sample: number, seed: number): boolean {
  if (sample >= 1) return true;
  const digest = createHash('sha256').update(`${seed}:${aggregateUuid}`).digest();
  return digest.readUInt32BE(0) < sample * 2 ** 32;
}
