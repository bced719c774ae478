import { defineEvent } from 'daybook';

/** Money is in cents: integers add up exactly. */
const cents = { type: 'integer', minimum: 1, maximum: 100_000_000_00, description: 'Cents' } as const;
const holder = { type: 'string', minLength: 1, maxLength: 100, description: 'Who owns the account' } as const;

export const AccountOpened = defineEvent({
  type: 'AccountOpened',
  data: { type: 'object', properties: { holder }, required: ['holder'], additionalProperties: false },
});

export const MoneyDeposited = defineEvent({
  type: 'MoneyDeposited',
  data: { type: 'object', properties: { amount: cents }, required: ['amount'], additionalProperties: false },
});

export const MoneyWithdrawn = defineEvent({
  type: 'MoneyWithdrawn',
  data: { type: 'object', properties: { amount: cents }, required: ['amount'], additionalProperties: false },
});

export const HolderRenamed = defineEvent({
  type: 'HolderRenamed',
  data: { type: 'object', properties: { holder }, required: ['holder'], additionalProperties: false },
});

export const AccountClosed = defineEvent({
  type: 'AccountClosed',
  data: { type: 'object', properties: {}, additionalProperties: false },
});
