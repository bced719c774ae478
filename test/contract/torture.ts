import { isDeepStrictEqual } from 'node:util';
import { seededRandom } from '../../local/kernel/kernel.ts';
import {
  createEventStore,
  type EventTable,
  isDaybookError,
  type LoadedAggregate,
  type ReadOptions,
  type RecordedEvent,
  type SnapshotStore,
} from '../../src/index.ts';
import { Account, deposited, opened, withdrawn } from './bank.ts';

/** What the oracle knows of an event: all but the times of recording, which it learns from the first read. */
interface Known {
  readonly version: number;
  readonly type: string;
  readonly data: { amount?: number; holder?: string };
  readonly metadata: unknown;
  readonly commitId: string | undefined;
  readonly occurredAt: string | undefined;
  recordedAt?: string;
}

interface History {
  readonly aggregateUuid: string;
  readonly events: Known[];
  loaded: LoadedAggregate<typeof Account>[];
}

interface Done {
  readonly commitId: string;
  readonly parts: readonly { readonly history: History; readonly expected: number; readonly events: readonly New[] }[];
}

type New = (ReturnType<typeof deposited> | ReturnType<typeof opened> | ReturnType<typeof withdrawn>) & {
  occurredAt?: string;
  metadata?: Record<string, unknown>;
};

export interface TortureOptions {
  readonly table: EventTable;
  readonly snapshots: SnapshotStore;
  readonly seed: number;
  readonly steps: number;
  /** An error that says nothing about the outcome; anything else that is no DaybookError ends the torture. */
  readonly isFault?: (error: unknown) => boolean;
}

/**
 * Does random things with up to five aggregates, by way of two stores with clocks that differ and jump, and compares every
 * answer with an oracle that is nothing but lists. Throws at the first difference, naming seed and step.
 */
export async function torture({ table, snapshots, seed, steps, ...options }: TortureOptions) {
  const isFault = options.isFault ?? (() => false);
  const random = seededRandom(seed).next;
  const int = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const pick = <T>(items: readonly T[]): T => items[int(0, items.length - 1)]!;
  const chance = (p: number) => random() < p;
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => (now += int(-5000, 6000)) };
  const make = (more: object) => createEventStore({ table, clock, random, sleep: async () => {}, ...more });
  const stores = [
    make({}),
    make({ snapshots, snapshotPolicy: { everyEvents: 7 } }),
    make({ snapshots, snapshotPolicy: { everyBytes: 200 } }),
  ];
  const histories: History[] = Array.from({ length: 5 }, (_, i) => ({
    aggregateUuid: `torture-${seed}-${i}-é|#`,
    events: [],
    loaded: [],
  }));
  const done: Done[] = [];
  const outcomes = new Map<string, number>();
  let step = 0;

  const wrong = (what: string, ...values: unknown[]): never => {
    throw new Error(`seed ${seed}, step ${step}: ${what}\n${values.map((value) => JSON.stringify(value)).join('\n')}`);
  };
  const expect = (what: string, actual: unknown, expected: unknown) => {
    if (!isDeepStrictEqual(actual, expected)) wrong(`${what}: actual, expected`, actual, expected);
  };
  const codeOf = (error: unknown) => (isDaybookError(error) ? error.code : undefined);

  const newEvent = (): New => {
    const event: New = pick([
      () => deposited(int(1, 99)),
      () => withdrawn(int(1, 99)),
      () => opened(`B${int(0, 9)}`),
    ])();
    return {
      ...event,
      ...(chance(0.3) && { occurredAt: new Date(Date.UTC(2020 + int(0, 8), int(0, 11), 1)).toISOString() }),
      ...(chance(0.2) && { metadata: { by: `é${int(0, 9)}` } }),
    };
  };
  const newEvents = (most = 6) => Array.from({ length: int(1, most) }, newEvent);
  const remember = ({ commitId, parts }: Done) => {
    for (const { history, expected, events } of parts) {
      if (history.events.length !== expected)
        wrong('the oracle is at another version', history.aggregateUuid, expected);
      for (const [i, event] of events.entries()) {
        history.events.push({
          version: expected + i + 1,
          type: event.type,
          data: event.data,
          metadata: event.metadata,
          occurredAt: event.occurredAt,
          commitId: commitId === '' ? undefined : commitId,
        });
      }
    }
    if (commitId !== '') done.push({ commitId, parts });
  };
  const fold = (events: readonly Known[]) => {
    let [balance, holder] = [0, ''];
    for (const { type, data } of events) {
      if (type === 'MoneyDeposited') balance += data.amount!;
      if (type === 'MoneyWithdrawn') balance -= data.amount!;
      if (type === 'AccountOpened') holder = data.holder!;
    }
    return { holder, balance, events: events.length };
  };
  const same = (history: History, event: RecordedEvent, known: Known) => {
    known.recordedAt ??= event.recordedAt;
    const before = history.events[known.version - 2]?.recordedAt ?? '';
    if (event.recordedAt < before) wrong('the time of recording fell', history.aggregateUuid, known.version);
    expect('an event', event, {
      aggregateUuid: history.aggregateUuid,
      aggregateType: 'Account',
      version: known.version,
      type: known.type,
      data: known.data,
      metadata: known.metadata,
      schemaVersion: 1,
      recordedAt: known.recordedAt,
      occurredAt: known.occurredAt ?? known.recordedAt,
      commitId: known.commitId ?? event.commitId,
    });
  };
  /** A fault leaves it open whether the commit was written: the table says. */
  const settle = async (attempt: Done) => {
    const { history, expected, events } = attempt.parts[0]!;
    const seen: RecordedEvent[] = [];
    for (;;) {
      try {
        seen.length = 0;
        for await (const event of stores[0]!.read(history.aggregateUuid, { from: expected + 1 })) seen.push(event);
        break;
      } catch (error) {
        if (!isFault(error)) throw error;
      }
    }
    if (seen.length === 0) return;
    if (seen.length !== events.length) wrong('a fault left part of a commit', history.aggregateUuid, seen.length);
    remember(attempt);
  };
  const count = (what: string) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);

  /** Runs a write; `attempt` is what must have happened if it succeeds, `refusals` what may be said instead. */
  const write = async (what: string, run: () => Promise<unknown>, attempt: Done, refusal: string | undefined) => {
    let error: unknown;
    try {
      await run();
    } catch (thrown) {
      error = thrown;
    }
    count(`${what} ${error === undefined ? 'written' : (codeOf(error) ?? 'fault')}`);
    if (error === undefined) {
      if (refusal !== undefined) wrong(`${what} should have been refused with ${refusal}`);
      return remember(attempt);
    }
    if (codeOf(error) === undefined) {
      if (!isFault(error)) throw error;
      // What must be refused is never written, whatever answer is lost.
      if (refusal === undefined) await settle(attempt);
      return;
    }
    if (codeOf(error) !== refusal) wrong(`${what}: expected ${refusal}, got ${String(error)}`);
    if (isDaybookError(error, 'append.versionConflict')) {
      const { aggregateUuid, expected, actual, events, more } = error.details;
      const history = histories.find((one) => one.aggregateUuid === aggregateUuid)!;
      for (const [i, event] of events.entries()) same(history, event, history.events[expected + i]!);
      const between = Math.min(100, history.events.length - expected);
      // A fault while they were read: then what could be read is there, and it says that there is more.
      if (options.isFault !== undefined && events.length < between && (more || events.length === 0)) return;
      expect('handed over', events.length, between);
      expect('actual', actual, history.events.length);
      expect('more', more, history.events.length - expected > 100);
    }
  };

  const targetOf = (history: History): { target: Parameters<typeof store.append>[0]; expected: number } => {
    const last = history.events.length;
    const kind = random();
    if (kind < 0.45 && history.loaded.length > 0) {
      const target = chance(0.7) ? history.loaded.at(-1)! : pick(history.loaded);
      return { target, expected: target.version };
    }
    const expected = kind < 0.85 ? last : Math.max(0, last + int(-3, 3));
    return {
      target: { aggregate: Account, aggregateUuid: history.aggregateUuid, expectedVersion: expected },
      expected,
    };
  };
  const refusalOf = (history: History, expected: number) => {
    const last = history.events.length;
    return expected > last ? 'append.hole' : expected < last ? 'append.versionConflict' : undefined;
  };
  let store = stores[0]!;
  let commits = 0;

  const reading = (history: History) => {
    const last = history.events.length;
    const options: { -readonly [K in keyof ReadOptions]: ReadOptions[K] } = {};
    if (chance(0.5)) options.from = int(1, last + 2);
    if (chance(0.5)) options.to = Math.max(options.from ?? 1, int(1, last + 3));
    if (chance(0.4)) options.reverse = chance(0.8);
    if (chance(0.4)) options.limit = int(1, last + 3);
    const times = history.events.flatMap(({ recordedAt, occurredAt }) => [recordedAt ?? [], occurredAt ?? []].flat());
    if (chance(0.4) && times.length > 0) {
      const [a, b] = [pick(times), pick(times)].sort() as [string, string];
      if (chance(0.7)) options.since = a;
      if (chance(0.7)) options.until = new Date(b);
      if (chance(0.6)) options.clock = pick(['occurred', 'recorded']);
    }
    return options;
  };
  const chosen = (history: History, { from = 1, to = 1e9, reverse, limit, since, until, clock }: ReadOptions) => {
    const events = history.events.filter((event) => {
      const time = clock === 'recorded' ? event.recordedAt! : (event.occurredAt ?? event.recordedAt!);
      const late = until !== undefined && time > (until as Date).toISOString();
      return event.version >= from && event.version <= to && !late && (since === undefined || time >= since);
    });
    if (reverse === true) events.reverse();
    return events.slice(0, limit);
  };

  const actions: Record<string, () => Promise<unknown>> = {
    async append() {
      const history = pick(histories);
      const { target, expected } = targetOf(history);
      const events = chance(0.03) ? Array.from({ length: 100 }, newEvent) : newEvents();
      const commitId = chance(0.3) ? `commit-${++commits}` : '';
      const attempt = { commitId, parts: [{ history, expected, events }] };
      const options = commitId === '' ? {} : { commitId };
      await write('append', () => store.append(target, events, options), attempt, refusalOf(history, expected));
    },
    async any() {
      const history = pick(histories);
      const events = newEvents();
      const target = { aggregate: Account, aggregateUuid: history.aggregateUuid, expectedVersion: 'any' } as const;
      const attempt = { commitId: '', parts: [{ history, expected: history.events.length, events }] };
      await write('any', () => store.append(target, events), attempt, undefined);
    },
    async transact() {
      const chosen = histories.filter(() => chance(0.5));
      if (chosen.length === 0) return;
      const parts = chosen.map((history) => ({ history, ...targetOf(history), events: newEvents(3) }));
      const commitId = chance(0.3) ? `commit-${++commits}` : '';
      const refusals = parts.map(({ history, expected }) => refusalOf(history, expected));
      const refusal = refusals.includes('append.hole') ? 'append.hole' : refusals.find((one) => one !== undefined);
      const entries = parts.map(({ target, events }) => ({ target, events }));
      const run = () => store.transact(entries as never, commitId === '' ? {} : { commitId });
      await write('transact', run, { commitId, parts }, refusal);
    },
    async again() {
      if (done.length === 0) return;
      const { commitId, parts } = pick(done);
      const entries = parts.map(({ history: { aggregateUuid }, expected, events }) => ({
        target: { aggregate: Account, aggregateUuid, expectedVersion: expected },
        events,
      }));
      const again = await store.transact(entries, { commitId });
      for (const [i, { history, expected, events }] of parts.entries()) {
        const { aggregateUuid, from, version, alreadyWritten } = again[i]!;
        const found = { aggregateUuid, from, version, alreadyWritten };
        const last = expected + events.length;
        const { aggregateUuid: id } = history;
        expect('again', found, { aggregateUuid: id, from: expected + 1, version: last, alreadyWritten: true });
      }
      const other = entries.map((entry) => ({ ...entry, events: [...entry.events.slice(1), opened('other')] }));
      const reused = await store.transact(other, { commitId }).catch((error: unknown) => error);
      if (isFault(reused)) return;
      expect('a commit id with other events', codeOf(reused), 'append.commitIdReused');
    },
    async handle() {
      const history = pick(histories);
      const before = history.events.length;
      const events = newEvents(3);
      const run = async () => {
        const handled = await store.handle(
          Account,
          history.aggregateUuid,
          (state, given: readonly New[]) => {
            expect('the state that is decided on', state, fold(history.events));
            return given;
          },
          events,
        );
        expect('the version handled', handled.version, before + events.length);
        history.loaded.push(handled);
      };
      await write('handle', run, { commitId: '', parts: [{ history, expected: before, events }] }, undefined);
    },
    async load() {
      const history = pick(histories);
      const loaded = await store.load(Account, history.aggregateUuid, chance(0.2) ? { validate: true } : {});
      expect('the version', loaded.version, history.events.length);
      expect('the state', { ...loaded.state }, fold(history.events));
      history.loaded.push(loaded);
      history.loaded = history.loaded.slice(-4);
    },
    async read() {
      const history = pick(histories);
      for (const known of history.events) {
        if (known.recordedAt === undefined) await learn(history);
      }
      const options = reading(history);
      const expected = chosen(history, options);
      const given = { ...options, ...(chance(0.5) && { aggregate: Account, validate: chance(0.5) }) };
      const stop = chance(0.2) ? int(1, 10) : Number.POSITIVE_INFINITY;
      const seen: RecordedEvent[] = [];
      for await (const event of store.read(history.aggregateUuid, given as ReadOptions)) {
        seen.push(event);
        if (seen.length === stop) break;
      }
      expect(`read ${JSON.stringify(options)}`, seen.length, Math.min(stop, expected.length));
      for (const [i, event] of seen.entries()) same(history, event, expected[i]!);
    },
    async stateAt() {
      const history = pick(histories);
      await learn(history);
      const last = history.events.length;
      if (last === 0 || chance(0.5)) {
        const version = int(0, last + 1);
        const at = await store.stateAt(Account, history.aggregateUuid, { version }).catch((error: unknown) => error);
        if (version > last) return isFault(at) || expect('beyond the end', codeOf(at), 'read.notThere');
        if (at instanceof Error) throw at;
        return expect('stateAt', (at as { state: unknown }).state, fold(history.events.slice(0, version)));
      }
      const clock = pick(['occurred', 'recorded'] as const);
      const { recordedAt, occurredAt } = pick(history.events);
      const time = clock === 'recorded' ? recordedAt! : (occurredAt ?? recordedAt!);
      const at = await store.stateAt(Account, history.aggregateUuid, { time, clock });
      expect(`stateAt ${time} ${clock}`, at.state, fold(chosen(history, { until: new Date(time), clock })));
    },
    async when() {
      const history = pick(histories);
      const bound = int(-200, 200);
      const first = history.events.find((_, i) => fold(history.events.slice(0, i + 1)).balance > bound);
      const found = await store.when(Account, history.aggregateUuid, (state) => state.balance > bound);
      expect('when', found?.event.version, first?.version);
    },
    async list() {
      const ids: string[] = [];
      for await (const id of store.list({ type: 'Account' })) if (id.startsWith(`torture-${seed}-`)) ids.push(id);
      const expected = histories.filter(({ events }) => events.length > 0).map(({ aggregateUuid }) => aggregateUuid);
      expect('list', ids.sort(), expected.sort());
    },
    async jump() {
      now += int(-86_400_000, 86_400_000);
    },
  };

  async function learn(history: History): Promise<void> {
    let i = 0;
    for await (const event of stores[0]!.read(history.aggregateUuid)) same(history, event, history.events[i++]!);
    expect('all events', i, history.events.length);
  }

  const names = ['append', 'append', 'append', 'transact', 'transact', ...Object.keys(actions), 'read', 'read', 'load'];
  for (step = 1; step <= steps; step++) {
    store = pick(stores);
    const name = pick(names);
    try {
      await actions[name]!();
    } catch (error) {
      if (!isFault(error)) throw new Error(`seed ${seed}, step ${step}, ${name}`, { cause: error });
      count(`${name} fault`);
    }
  }
  for (const history of histories) {
    for (;;) {
      try {
        await learn(history);
        break;
      } catch (error) {
        if (!isFault(error)) throw error;
      }
    }
  }
  return { outcomes, events: histories.map(({ events }) => events.length), counts: stores.map(({ counts }) => counts) };
}
