import assert from 'node:assert/strict';
import type { Json } from '../../../local/cloud.ts';
import { makeEvent } from '../../../local/eventbridge/event.ts';
import { compilePattern } from '../../../local/eventbridge/pattern.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const EVENTS = 1_000;
const TIMES = 5;

/** What a subscriber's rules look like, from the plainest to one with every kind of test. */
const PATTERNS: readonly Json[] = [
  { source: ['daybook'], 'detail-type': ['MoneyReceived'] },
  { source: ['daybook'], detail: { aggregateType: ['Ledger'], data: { amount: [{ numeric: ['>', 500] }] } } },
  { detail: { data: { currency: ['CHF', 'EUR'], tags: ['rent'], reference: [{ prefix: 'invoice 2026' }] } } },
  { 'detail-type': [{ 'anything-but': ['MoneySent'] }], detail: { metadata: [{ exists: false }] } },
  {
    detail: {
      $or: [{ version: [{ numeric: ['<=', 10] }] }, { data: { counterparty: { name: [{ wildcard: 'M*GmbH' }] } } }],
    },
  },
];

export default defineBench({
  name: 'embedded-rules',
  figures: [
    {
      name: 'rule-matches',
      what: 'an event tried against a rule, per second of CPU, five patterns in turn',
      formula: { kind: 'rate', of: 'match', by: 'cpu' },
      budget: { atLeast: 200_000 },
    },
    {
      name: 'rule-matches-with-parsing',
      what: 'the same, the event’s text parsed first for its five rules',
      formula: { kind: 'rate', of: 'parseAndMatch', by: 'cpu' },
    },
  ],
  prepare() {
    const rules = PATTERNS.map(compilePattern);
    const parts = storedTransfers(EVENTS).map(({ data, type, commitId, recordedAt, version, ...rest }) => ({
      id: commitId,
      source: 'daybook',
      detailType: type,
      timeMs: Date.parse(recordedAt),
      resources: [],
      detail: `${JSON.stringify({ ...rest, version, type, recordedAt }).slice(0, -1)},"data":${data}}`,
    }));
    const make = () => parts.map((part) => makeEvent({ accountId: '000000000000', region: 'us-east-1' }, part, 0));
    const countMatches = (events: ReturnType<typeof make>) => {
      let matched = 0;
      for (const event of events) for (const matches of rules) if (matches(event.parsed())) matched++;
      return matched;
    };
    const parsed = make();
    const expected = countMatches(parsed);
    assert.ok(expected > EVENTS && expected < EVENTS * rules.length, `${expected} matches`);
    const side = (eventsOf: () => ReturnType<typeof make>) => {
      let rounds: ReturnType<typeof make>[] = [];
      return {
        count: TIMES * EVENTS * rules.length,
        before() {
          rounds = Array.from({ length: TIMES }, eventsOf);
        },
        run() {
          for (const events of rounds) assert.equal(countMatches(events), expected);
        },
      };
    };
    return { sides: { match: side(() => parsed), parseAndMatch: side(make) } };
  },
});
