import type { Account, Cloud, Json } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import type { Operations } from '../operations.ts';
import type { Archive, Archives } from './archives.ts';
import { type Bus, type Buses, makeBus, type Rule } from './bus.ts';
import { type DeliveryKeeper, goOn, type PendingDelivery } from './deliver.ts';
import { type BusEvent, readEvent } from './event.ts';
import { compilePattern } from './pattern.ts';
import { eventsLeft, type Replay, runReplay } from './replays.ts';
import { reschedule } from './schedule.ts';

type KeptEvent = Omit<BusEvent, 'parsed'>;

type KeptRule = Omit<Rule, 'matches' | 'timer' | 'targets' | 'tags'> & {
  readonly targets: readonly [string, Json][];
  readonly tags: readonly [string, string][];
};

type Entry =
  /** Buses, rules and archives change rarely and are few: each change writes all of them down. */
  | {
      readonly kind: 'definitions';
      readonly buses: readonly (Omit<Bus, 'statements' | 'rules' | 'tags'> & {
        readonly statements: readonly [string, Json][];
        readonly tags: readonly [string, string][];
        readonly rules: readonly KeptRule[];
      })[];
      readonly archives: readonly Omit<Archive, 'matches' | 'events'>[];
    }
  | { readonly kind: 'archived'; readonly archives: readonly string[]; readonly events: readonly KeptEvent[] }
  | { readonly kind: 'replay'; readonly replay: Replay }
  | { readonly kind: 'delivery'; readonly delivery: Omit<PendingDelivery, 'event'> & { readonly event: KeptEvent } }
  | { readonly kind: 'over'; readonly delivery: string };

export interface EventKeeper extends DeliveryKeeper {
  definitionsChanged(): void;
  archived(archives: readonly string[], event: BusEvent): void;
  replayChanged(replay: Replay): void;
}

interface Held {
  readonly cloud: Cloud;
  readonly buses: Buses;
  readonly archives: Archives;
  readonly replays: Map<string, Replay>;
}

/**
 * Joins the journal: an event that was accepted reaches every target that it matched, or its dead-letter queue; a delivery
 * whose end was not written down is made again.
 */
export function keepEvents(journal: Journal, held: Held): EventKeeper {
  const { cloud, buses, archives, replays } = held;
  const pending = new Map<string, PendingDelivery>();
  const definitions = (): Entry => ({
    kind: 'definitions',
    buses: [...buses.byName.values()].map(({ statements, rules, tags, ...bus }) => ({
      ...bus,
      statements: [...statements],
      tags: [...tags],
      rules: [...rules.values()].map(({ matches: _, timer: __, ...rule }) => ({
        ...rule,
        targets: [...rule.targets],
        tags: [...rule.tags],
      })),
    })),
    archives: [...archives.values()].map(({ matches: _, events: __, ...archive }) => archive),
  });
  const deliveryOf = (delivery: PendingDelivery): Entry => ({
    kind: 'delivery',
    delivery: { ...delivery, event: toKept(delivery.event) },
  });
  const write = journal.join<Entry>('events', {
    restore(entry) {
      switch (entry.kind) {
        case 'definitions':
          restoreDefinitions(cloud.account, held, entry);
          return;
        case 'archived':
          for (const name of entry.archives) archives.get(name)?.events.push(...entry.events.map(readEvent));
          return;
        case 'replay':
          replays.set(entry.replay.name, { ...NO_REPLAY, ...entry.replay });
          return;
        case 'delivery':
          pending.set(entry.delivery.id, { ...entry.delivery, event: readEvent(entry.delivery.event) });
          return;
        case 'over':
          pending.delete(entry.delivery);
      }
    },
    *snapshot() {
      yield definitions();
      for (const { name, events } of archives.values()) {
        for (let from = 0; from < events.length; from += 100) {
          yield { kind: 'archived', archives: [name], events: events.slice(from, from + 100).map(toKept) };
        }
      }
      for (const replay of replays.values()) yield { kind: 'replay', replay };
      for (const delivery of pending.values()) yield deliveryOf(delivery);
    },
    resume() {
      for (const bus of buses.byName.values()) {
        for (const rule of bus.rules.values()) reschedule(cloud, buses, rule);
      }
      keeper.held = false;
      for (const delivery of pending.values()) goOn(cloud, keeper, delivery);
      for (const replay of replays.values()) {
        if (replay.state !== 'STARTING' && replay.state !== 'RUNNING') continue;
        runReplay(cloud, buses, replay, eventsLeft(archives, replay), keeper.replayChanged);
      }
    },
  });
  const keeper: EventKeeper = {
    held: true,
    waits(delivery) {
      pending.set(delivery.id, delivery);
      write(deliveryOf(delivery));
    },
    over({ id }) {
      pending.delete(id);
      write({ kind: 'over', delivery: id });
    },
    definitionsChanged: () => write(definitions()),
    archived: (names, event) => write({ kind: 'archived', archives: names, events: [toKept(event)] }),
    replayChanged: (replay) => write({ kind: 'replay', replay }),
  };
  return keeper;
}

const NO_REPLAY = { description: undefined, lastReplayedMs: undefined, endedMs: undefined };

const toKept = ({ id, source, detailType, text, ingestedMs }: BusEvent): KeptEvent => ({
  id,
  source,
  detailType,
  text,
  ingestedMs,
});

function restoreDefinitions(
  account: Account,
  { buses, archives }: Held,
  kept: Extract<Entry, { kind: 'definitions' }>,
): void {
  buses.byName.clear();
  for (const { statements, rules, tags, ...rest } of kept.buses) {
    const bus = Object.assign(makeBus(account, rest.name, rest.createdMs), rest);
    for (const [id, statement] of statements) bus.statements.set(id, statement);
    for (const [key, value] of tags) bus.tags.set(key, value);
    for (const rule of rules) {
      bus.rules.set(rule.name, {
        ...NO_RULE,
        ...rule,
        matches: rule.pattern === undefined ? undefined : compilePattern(rule.pattern),
        targets: new Map(rule.targets),
        tags: new Map(rule.tags),
      });
    }
    buses.byName.set(bus.name, bus);
  }
  const before = new Map(archives);
  archives.clear();
  for (const archive of kept.archives) {
    const matches = archive.pattern === undefined ? undefined : compilePattern(archive.pattern);
    const events = before.get(archive.name)?.events ?? [];
    archives.set(archive.name, { ...NO_ARCHIVE, ...archive, matches, events });
  }
}

const NO_RULE = {
  pattern: undefined,
  schedule: undefined,
  timer: undefined,
  description: undefined,
  roleArn: undefined,
};
const NO_ARCHIVE = { description: undefined, pattern: undefined };

/** Operations on buses, rules and archives, each followed by writing down what is defined now. */
export function keptDefinitions(operations: Operations, keeper: EventKeeper | undefined): Operations {
  if (keeper === undefined) return operations;
  const wrapped = Object.entries(operations).map(([name, { parameters, run }]): [string, Operations[string]] => {
    if (/^(Describe|List|Test)/.test(name)) return [name, { parameters, run }];
    return [
      name,
      {
        parameters,
        run(input, caller) {
          const answer = run(input, caller);
          keeper.definitionsChanged();
          return answer;
        },
      },
    ];
  });
  return Object.fromEntries(wrapped);
}
