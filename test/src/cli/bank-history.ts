import { createHash } from 'node:crypto';
import { seededRandom } from '../../../src/testing/seeded-random.ts';

/** An event of the bank as it stands in the archive, with where it arrived. */
export interface ArchivedEvent {
  readonly aggregateUuid: string;
  readonly version: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly occurredAt: string;
  readonly data: { readonly holder?: string; readonly amount?: number };
  readonly user: string | undefined;
  /** The days on which it was delivered: sometimes twice. */
  readonly days: readonly string[];
}

const ACCOUNTS = 12;
const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 5, 8);
const USERS = ['alice', 'bob', 'carol', undefined] as const;

/**
 * Three months of a small bank, the same every time: events that were recorded late, deliveries that came twice, overdrafts,
 * events of nobody, and one account whose fourth event never arrived.
 */
export function bankHistory(): readonly ArchivedEvent[] {
  const chance = seededRandom(7);
  const pick = (n: number) => Math.floor(chance() * n);
  const events: ArchivedEvent[] = [];
  for (let account = 1; account <= ACCOUNTS; account++) {
    const aggregateUuid = `account-${String(account).padStart(3, '0')}`;
    let recorded = START + account * 3_600_000;
    const last = 12 + pick(24);
    for (let version = 1; version <= last; version++) {
      // Few days of much traffic: each is a handful of files.
      recorded += chance() < 0.25 ? (3 + pick(8)) * DAY : 60_000 + pick(600_000);
      const late = chance() < 0.1 ? pick(4 * DAY) : pick(3000);
      const day = new Date(recorded + (chance() < 0.05 ? DAY : 0)).toISOString().slice(0, 10);
      const again = new Date(Date.parse(day) + DAY).toISOString().slice(0, 10);
      const type = typeOf(version, last, chance());
      events.push({
        aggregateUuid,
        version,
        type,
        recordedAt: new Date(recorded).toISOString(),
        occurredAt: new Date(recorded - late).toISOString(),
        data: dataOf(type, account, 100 + pick(50_000)),
        user: USERS[pick(USERS.length)],
        days: chance() < 0.06 ? [day, again] : [day],
      });
    }
  }
  return events.filter(({ aggregateUuid, version }) => aggregateUuid !== 'account-012' || version !== 4);
}

function typeOf(version: number, last: number, chance: number): string {
  if (version === 1) return 'AccountOpened';
  if (version === last && chance < 0.3) return 'AccountClosed';
  return chance < 0.5 ? 'MoneyDeposited' : chance < 0.95 ? 'MoneyWithdrawn' : 'HolderRenamed';
}

function dataOf(type: string, account: number, amount: number): ArchivedEvent['data'] {
  if (type === 'AccountOpened') return { holder: `Customer ${account}` };
  if (type === 'HolderRenamed') return { holder: `Customer ${account}, renamed` };
  return type === 'AccountClosed' ? {} : { amount };
}

/** The archive's rows, one for each delivery. */
export function rowsOf(events: readonly ArchivedEvent[]) {
  return events.flatMap(({ days, user, data, ...event }) =>
    days.map((day) => ({
      aggregate_uuid: event.aggregateUuid,
      aggregate_type: 'Account',
      version: event.version,
      type: event.type,
      schema_version: 1,
      commit_id: `${event.aggregateUuid}-${event.version}`,
      commit_first: event.version,
      commit_last: event.version,
      recorded_at: event.recordedAt,
      occurred_at: event.occurredAt,
      data: JSON.stringify(data),
      metadata: user === undefined ? null : JSON.stringify({ user }),
      day,
      bucket: createHash('md5').update(event.aggregateUuid).digest('hex')[0]!,
    })),
  );
}
