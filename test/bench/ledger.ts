import { type EventStorageAdapter, EventStore, EventType } from '@castore/core';
import { toItem } from '../../src/aws/event-item.ts';
import type { StoredEvent } from '../../src/event/stored-event.ts';
import { defineAggregate, defineEvent } from '../../src/index.ts';

// One domain for all figures, in our words and in Castore's: an account with transfers of about 200 bytes of data.

export interface Transfer {
  readonly amount: number;
  readonly currency: string;
  readonly reference: string;
  readonly counterparty: { readonly name: string; readonly account: string };
  readonly tags: string[];
}

const transferSchema = {
  type: 'object',
  properties: {
    amount: { type: 'integer', minimum: 1 },
    currency: { type: 'string', minLength: 3, maxLength: 3 },
    reference: { type: 'string' },
    counterparty: {
      type: 'object',
      properties: { name: { type: 'string' }, account: { type: 'string' } },
      required: ['name', 'account'],
      additionalProperties: false,
    },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['amount', 'currency', 'reference', 'counterparty', 'tags'],
  additionalProperties: false,
} as const;

export interface Balance {
  readonly balance: number;
  readonly transfers: number;
}

/** What every side's fold does with a transfer, as people write it: with a spread. */
export function book(state: Balance, type: string, { amount }: Pick<Transfer, 'amount'>): Balance {
  const transfers = state.transfers + 1;
  if (type === 'MoneyReceived') return { ...state, transfers, balance: state.balance + amount };
  return { ...state, transfers, balance: state.balance - amount };
}

export const MoneyReceived = defineEvent({ type: 'MoneyReceived', data: transferSchema });
export const MoneySent = defineEvent({ type: 'MoneySent', data: transferSchema });

export const Ledger = defineAggregate({
  type: 'Ledger',
  events: [MoneyReceived, MoneySent],
  initialState: (): Balance => ({ balance: 0, transfers: 0 }),
  evolve: (state, event) => book(state, event.type, event.data),
});

export const AGGREGATE = '6f1c2b1e-8d54-4c3e-9a57-1f0b3f9d2a11';

export function transfer(n: number): Transfer {
  return {
    amount: 100 + (n % 900),
    currency: 'EUR',
    reference: `invoice ${20_260_000 + n}`,
    counterparty: { name: 'Müller & Söhne GmbH', account: `DE${89_370_400_440_532_013_000n + BigInt(n)}` },
    tags: ['rent', 'monthly'],
  };
}

export const typeOf = (n: number): 'MoneyReceived' | 'MoneySent' => (n % 3 === 0 ? 'MoneySent' : 'MoneyReceived');

export function storedTransfer(version: number, aggregateUuid = AGGREGATE): StoredEvent {
  const recordedAt = new Date(Date.UTC(2026, 0, 1) + version * 1000).toISOString();
  return {
    aggregateUuid,
    aggregateType: 'Ledger',
    version,
    type: typeOf(version),
    schemaVersion: 1,
    commitId: `0b7d3c9a-2f41-4a6e-8c15-${String(version).padStart(12, '0')}`,
    commitFirst: version,
    commitLast: version,
    recordedAt,
    occurredAt: recordedAt,
    data: JSON.stringify(transfer(version)),
  };
}

export const storedTransfers = (count: number, aggregateUuid = AGGREGATE): readonly StoredEvent[] =>
  Array.from({ length: count }, (_, i) => storedTransfer(i + 1, aggregateUuid));

/** Our item of it, as the wire carries it. */
export const itemOf = (event: StoredEvent) => toItem(event) as Readonly<Record<string, unknown>>;

interface CastoreLedger extends Balance {
  readonly aggregateId: string;
  readonly version: number;
}

/** The same aggregate in Castore 2. */
export function castoreLedger(eventStorageAdapter: EventStorageAdapter) {
  return new EventStore({
    eventStoreId: 'LEDGER',
    eventTypes: [
      new EventType<'MoneyReceived', Transfer>({ type: 'MoneyReceived' }),
      new EventType<'MoneySent', Transfer>({ type: 'MoneySent' }),
    ],
    reducer: (state: CastoreLedger, event): CastoreLedger => ({
      ...book(state ?? { balance: 0, transfers: 0 }, event.type, event.payload),
      aggregateId: event.aggregateId,
      version: event.version,
    }),
    eventStorageAdapter,
  });
}
