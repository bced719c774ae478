import type { AppDefinition } from '../app.ts';
import { type DaybookError, isDaybookError } from '../errors.ts';
import { decoderOf, decodeStored, type EventDecoder, eventDecoder } from '../event/decode-event.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { currentBuild, type ProjectionTable } from '../projection/projection-table.ts';
import { realPauses } from '../store/backoff.ts';
import type { EventTable } from '../store/event-table.ts';
import { readRuns } from '../store/read-runs.ts';
import type { SnapshotStore } from '../store/snapshots.ts';
import type { AddFinding, FindingCode, FindingKey } from './findings.ts';
import { firstDifference, sayError, sayIssue, stateProblem } from './say.ts';
import { type Folds, foldsOf, type Run, type Subject, subjectsOf } from './subjects.ts';
import { createTwice, frozen, isChange, isFollowed, isPromise, later, type Twice } from './twice.ts';

/** Where stored events are, and what to compare folds with. */
export interface CheckPorts {
  readonly table: EventTable;
  readonly snapshots?: SnapshotStore;
  readonly projections?: ProjectionTable;
}

/** What the check of every aggregate shares. */
export interface Checker {
  readonly ports: CheckPorts;
  readonly folds: Folds;
  /** The build that each projection's present version maintains. */
  readonly builds: ReadonlyMap<string, string>;
  /** Every event that the app defines, validating. */
  readonly decoder: EventDecoder<AnyEvent>;
  /** The same events by type. */
  readonly definitions: ReadonlyMap<string, AnyEvent>;
  /** Upcasts that are run twice. */
  readonly upcasts: Twice;
  readonly ignoredTypes: ReadonlySet<string>;
  readonly quoting: boolean;
  readonly counts: { events: number; bytes: number; compared: number };
  onPage(): void;
}

export async function createChecker(
  app: AppDefinition,
  ports: CheckPorts,
  options: { readonly ignoredTypes: readonly string[]; readonly quoting: boolean; onPage(): void },
): Promise<Checker> {
  const builds = new Map<string, string>();
  if (ports.projections !== undefined) {
    for (const { name, version } of app.projections) {
      builds.set(name, currentBuild(await ports.projections.pointer(name, version), version));
    }
  }
  const events = new Set([...app.aggregates, ...app.projections].flatMap((owner): readonly AnyEvent[] => owner.events));
  return {
    ports,
    folds: foldsOf(app),
    builds,
    decoder: eventDecoder([...events], { validate: true }),
    definitions: new Map([...events].map((event) => [event.type, event])),
    upcasts: createTwice(),
    ignoredTypes: new Set(options.ignoredTypes),
    quoting: options.quoting,
    counts: { events: 0, bytes: 0, compared: 0 },
    onPage: options.onPage,
  };
}

/** Runs the app's code over one aggregate's events, a page at a time; false when there was nothing to look at. */
export async function checkAggregate(checker: Checker, aggregateUuid: string, add: AddFinding): Promise<boolean> {
  let subjects: readonly Subject[] | undefined;
  let aggregateType = '';
  let last: StoredEvent | undefined;
  let unreadable = false;
  const onUnreadable = () => {
    unreadable = true;
  };
  for await (const run of runsAround(checker, aggregateUuid, add, onUnreadable)) {
    const first = run[0]!;
    if (subjects === undefined) {
      aggregateType = first.aggregateType;
      if (checker.ignoredTypes.has(aggregateType)) return false;
      const key = { code: 'aggregate.unknownType', level: 'error', aggregateType } as const;
      if (!checker.folds.aggregates.has(aggregateType)) {
        add(key, { version: first.version, message: `the app has no aggregate ${aggregateType}` });
      }
      subjects = await subjectsOf(checker, aggregateUuid, first);
    }
    // No fold gets past what cannot be read.
    if (unreadable) for (const subject of subjects) subject.broken = true;
    for (const stored of run) {
      checker.counts.events++;
      checker.counts.bytes += stored.data.length + (stored.metadata?.length ?? 0);
      const reach = examine(checker, stored, aggregateType, add);
      for (const subject of subjects) fold(checker, subject, stored, reach, add);
    }
    last = run.at(-1);
    checker.onPage();
  }
  if (last !== undefined) for (const subject of subjects ?? []) checkState(subject, last, add);
  return last !== undefined || unreadable;
}

/**
 * The runs of an aggregate, and what lies beyond an item that cannot be read: that is one finding, and no load gets past it.
 * Eventually consistent: what is of this very moment need not be there, and it costs half.
 */
async function* runsAround(
  checker: Checker,
  aggregateUuid: string,
  add: AddFinding,
  onUnreadable: () => void,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  let from = 1;
  let to: number | undefined;
  for (;;) {
    const onStray = (stray: string) => {
      const message = `what lies at ${stray} is no version of the aggregate, and every reader passes it: remove it`;
      add({ code: 'event.atNoVersion', level: 'warning' }, { version: Number(stray), message });
    };
    const range = { from, ...(to !== undefined && { to }), consistent: false, onStray };
    try {
      for await (const run of readRuns(checker.ports.table, aggregateUuid, range, realPauses)) {
        from = run.at(-1)!.version + 1;
        yield run;
      }
      if (to === undefined) return;
      to = undefined; // up to the item that cannot be read; it is met again, and said
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const { version } = error.details;
      const isMissing = error.code === 'read.hole' || error.code === 'read.tornCommit';
      if (!isMissing && version > from) {
        to = version - 1; // its page holds others as well: what is before it comes first
        continue;
      }
      add({ code: error.code, level: 'error' }, { version, message: messageOf(error) });
      onUnreadable();
      if (isMissing) return;
      from = version + 1;
    }
  }
}

type Unreadable = DaybookError<
  'event.unknownFormat' | 'event.missingAttribute' | 'event.encrypted' | 'read.hole' | 'read.tornCommit'
>;

function isUnreadable(error: unknown): error is Unreadable {
  return (
    isDaybookError(error, 'event.unknownFormat') ||
    isDaybookError(error, 'event.missingAttribute') ||
    isDaybookError(error, 'event.encrypted') ||
    isDaybookError(error, 'read.hole') ||
    isDaybookError(error, 'read.tornCommit')
  );
}

/** Is it what the code says that it is? Answers who gets it: where its own aggregate refuses it, a projection may not. */
function examine(checker: Checker, stored: StoredEvent, aggregateType: string, add: AddFinding): Reach {
  const { type, version } = stored;
  const key = { level: 'error', aggregateType, type, schemaVersion: stored.schemaVersion } as const;
  const data = checker.quoting ? { data: stored.data } : {};
  if (stored.aggregateType !== aggregateType) {
    const message = `it says that the aggregate is a ${stored.aggregateType}`;
    add({ ...key, code: 'aggregate.wrongType' }, { version, message, ...data });
    return 'projections';
  }
  const aggregate = checker.folds.aggregates.get(aggregateType)?.aggregate;
  if (aggregate !== undefined && !decoderOf(aggregate.events).types.has(type)) {
    add({ ...key, code: 'event.unknownType' }, { version, message: `${aggregateType} has no such event`, ...data });
    return 'projections';
  }
  try {
    const event = checker.decoder.decode(stored);
    if (event !== undefined) upcastAgain(checker, stored, event.data, add);
    return 'all';
  } catch (error) {
    if (isDaybookError(error, 'event.invalid')) {
      const { part, issues } = error.details;
      const payload = storedPart(stored, part);
      for (const issue of issues.slice(0, MAX_ISSUES)) {
        const path = `${part === 'metadata' ? 'metadata ' : ''}${issue.path}`;
        const message = sayIssue(issue, payload, checker.quoting);
        add({ ...key, code: error.code, path }, { version, message, ...data });
      }
      return 'all'; // a load folds it: it was checked when it was written
    }
    const code = codeOf(error);
    // What else an app's schema throws is the event's failure too.
    add({ ...key, code }, { version, message: messageOf(error, checker.quoting), ...data });
    return code === 'event.invalid' ? 'all' : 'none';
  }
}

/** Runs upcasts again, on another day and over what may not be changed. */
function upcastAgain(checker: Checker, stored: StoredEvent, data: unknown, add: AddFinding): void {
  const { aggregateType, type, schemaVersion, version } = stored;
  const definition = checker.definitions.get(type)!;
  if (schemaVersion === definition.schemaVersion) return;
  const key = { aggregateType, type, schemaVersion } as const;
  const example = { version, ...(checker.quoting && { data: stored.data }) };
  if (!checker.upcasts.isDue(type, schemaVersion)) return;
  const path = later(() => {
    try {
      return difference(data, checker.decoder.decode(stored)?.data);
    } catch {
      return '';
    }
  });
  if (path !== undefined) {
    const message = 'a second run of its upcasts made other data: an upcast is pure, without time, chance or memory';
    add({ ...key, level: 'error', code: 'event.upcastImpure', path }, { ...example, message });
  }
  try {
    let unchanged = decodeStored(stored).data;
    for (let from = schemaVersion; from < definition.schemaVersion; from++) {
      unchanged = definition.upcasts[from]?.(frozen(unchanged), Object.freeze({ ...stored }));
    }
  } catch (error) {
    const message = 'an upcast changes the data that it is given: return new data';
    if (isChange(error)) add({ ...key, level: 'warning', code: 'event.upcastChanges' }, { ...example, message });
  }
}

/** Where two outcomes of one run differ; what is not JSON is not compared. */
function difference(a: unknown, b: unknown): string | undefined {
  const isComparable = stateProblem(a) === undefined;
  if (isComparable !== (stateProblem(b) === undefined)) return '';
  return isComparable ? firstDifference(a, b) : undefined;
}

type Reach = 'all' | 'projections' | 'none';

const MAX_ISSUES = 10;

function codeOf(error: unknown): FindingCode {
  for (const code of ['event.corrupt', 'event.newerSchema', 'event.upcastFailed'] as const) {
    if (isDaybookError(error, code)) return code;
  }
  return 'event.invalid';
}

/** The data or metadata as it is stored: what must not be quoted. */
function storedPart(stored: StoredEvent, part: 'data' | 'metadata'): unknown {
  return decodeStored(stored)[part];
}

function messageOf(error: unknown, quoting = false): string {
  if (isDaybookError(error, 'event.upcastFailed')) {
    return `the upcast from schema version ${error.details.from} failed: ${sayError(error.cause, quoting)}`;
  }
  if (isDaybookError(error, 'event.newerSchema')) {
    const { stored, known } = error.details;
    return `it is stored at schema version ${stored}, and the code under check knows ${known}: it is older than what wrote the event`;
  }
  return isDaybookError(error) ? error.message.slice(error.code.length + 2) : sayError(error, quoting);
}

/** One event on one fold. A fold that failed takes no more of this aggregate: what followed would only be its echo. */
function fold(checker: Checker, subject: Subject, stored: StoredEvent, reach: Reach, add: AddFinding): void {
  if (subject.broken) return;
  const wanted = subject.wants(stored);
  if (wanted && (reach === 'none' || (reach === 'projections' && !subject.isProjection))) {
    subject.broken = true;
    return;
  }
  const { type, version, schemaVersion, aggregateType } = stored;
  const data = checker.quoting ? { data: stored.data } : {};
  const key: Omit<FindingKey, 'code'> = { level: 'error', by: subject.by, aggregateType, type, schemaVersion };
  const second = wanted ? secondRun(subject, stored) : undefined;
  try {
    if (wanted) subject.apply(stored);
  } catch (error) {
    subject.broken = true;
    add({ ...key, code: 'fold.failed' }, { version, message: sayError(error, checker.quoting), ...data });
    return;
  }
  const state = subject.state();
  const isNothing = state === undefined && !subject.mayBeNothing;
  if (wanted && (isNothing || isPromise(state))) {
    subject.broken = true;
    const message = isNothing
      ? 'the fold returned nothing: is a return missing?'
      : 'the fold returned a Promise: it must return the state itself';
    add({ ...key, code: 'fold.noState' }, { version, message, ...data });
    return;
  }
  if (second !== undefined)
    runAgain(subject, second, stored, (found) =>
      add({ ...key, ...found.key }, { version, message: found.message, ...data }),
    );
  const before = subject.stored;
  if (before?.version !== version) return;
  if (before.commitId !== undefined && before.commitId !== stored.commitId) return; // of another history
  if (before.applied !== undefined && before.applied !== subject.applied()) return; // of a replay of a part
  const path = differenceFrom(before.state, subject.state());
  if (path === 'unusable') return;
  checker.counts.compared++;
  if (path === undefined) return;
  const message = `its state differs from the one stored at version ${version} by the same version of the fold: raise the version`;
  add({ level: 'error', by: subject.by, aggregateType, path, code: 'fold.changed' }, { version, message });
}

/** The run that follows the first from the beginning, or one of this event alone, from a copy of the state before it. */
function secondRun(subject: Subject, stored: StoredEvent): Second | undefined {
  const { second } = subject;
  const isDue = subject.twice.isDue(stored.type, stored.schemaVersion);
  if (second !== undefined) return { run: second, isCompared: isDue };
  if (!isDue) return undefined;
  if (subject.applied() === 0) return { run: subject.again(), isCompared: true };
  const state = subject.state();
  if (stateProblem(state) !== undefined) return undefined;
  return { run: subject.again({ state: structuredClone(state) }), isCompared: true };
}

interface Second {
  readonly run: Run;
  readonly isCompared: boolean;
}

interface SecondFinding {
  readonly key: Pick<FindingKey, 'code' | 'level' | 'path'>;
  readonly message: string;
}

const IMPURE = 'a second run of the fold made another state: a fold is pure, without time, chance or memory';

/** The same event once more, on another day and without leave to change it. */
function runAgain(
  subject: Subject,
  { run, isCompared }: Second,
  stored: StoredEvent,
  found: (finding: SecondFinding) => void,
): void {
  try {
    later(() => run.apply(stored));
  } catch (error) {
    subject.second = undefined; // it has come apart from the first
    if (isChange(error)) {
      const message = 'the fold changes the event that it is given: copy what goes into the state';
      found({ key: { code: 'fold.changesEvent', level: 'warning' }, message });
    } else found({ key: { code: 'fold.impure', level: 'error' }, message: IMPURE });
    return;
  }
  const isLast = subject.second !== undefined && !isFollowed(run.applied());
  if (isLast) subject.second = undefined;
  const path = isCompared || isLast ? difference(subject.state(), run.state()) : undefined;
  if (path === undefined) return;
  subject.second = undefined;
  found({ key: { code: 'fold.impure', level: 'error', path }, message: IMPURE });
}

/** Where a state differs from the JSON text of one that was stored. */
function differenceFrom(stored: string, state: unknown): string | undefined {
  if (stateProblem(state) !== undefined) return 'unusable'; // said at the end
  let before: unknown;
  try {
    before = JSON.parse(stored);
  } catch {
    return 'unusable'; // a load ignores it too
  }
  return firstDifference(before, JSON.parse(JSON.stringify(state)));
}

/** A Map would be stored as {}. */
function checkState(subject: Subject, last: StoredEvent, add: AddFinding): void {
  if (subject.broken || subject.applied() === 0) return;
  const { second } = subject;
  const path = second === undefined ? undefined : difference(subject.state(), second.state());
  if (path !== undefined) {
    const key = { level: 'error', by: subject.by, aggregateType: last.aggregateType, path } as const;
    add({ ...key, code: 'fold.impure' }, { version: last.version, message: IMPURE });
  }
  const problem = stateProblem(subject.state());
  if (problem === undefined) return;
  const { aggregateType, version } = last;
  const consequence = subject.isProjection ? 'it cannot be stored' : 'no snapshot of it is kept';
  const key = { level: subject.isProjection ? 'error' : 'warning', by: subject.by, aggregateType } as const;
  add({ ...key, code: 'fold.notJson' }, { version, message: `${problem}; ${consequence}` });
}
