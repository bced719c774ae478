import { Account } from '../account.ts';
import { BOB, SUNDAY } from '../traffic.ts';
import type { Bank } from './bank.ts';
import type { Narrator } from './narrator.ts';

/** Appends Bob's first event and shows each hop that it takes. */
export async function followFirstEvent(bank: Bank, tell: Narrator): Promise<void> {
  const before = bank.trace.length;
  const started = Date.now();
  await bank.store.append(await bank.store.load(Account, BOB), [
    { type: 'AccountOpened', data: { holder: 'Bob' }, occurredAt: SUNDAY },
  ]);
  tell.line(`Bob opens an account: appended in ${Date.now() - started} ms. From there on its own:`);
  await bank.settled();
  const hops = bank.trace.slice(before).filter(({ service, what }) => HOPS[`${service}: ${what}`] !== undefined);
  const seen = new Set<string>();
  const rows: string[][] = [];
  for (const { at, service, what, detail } of hops) {
    const said = HOPS[`${service}: ${what}`]!(detail);
    if (said === undefined || seen.has(said)) continue;
    seen.add(said);
    rows.push([`+${at - started} ms`, said]);
  }
  if (rows.length < 4) throw new Error(`Bob's first event took ${rows.length} hops instead of its whole way`);
  tell.table(rows);
}

type Hop = (detail: Readonly<Record<string, string | number | boolean>>) => string | undefined;

/** The hops, by what the runtime notes of them. */
const HOPS: Readonly<Record<string, Hop>> = {
  'pipes: batch passed': () => 'pipe: the enrichment makes an envelope of it',
  'kinesis: records put': () => 'feed: the envelope is on the Kinesis stream',
  'events: event matched': () => undefined,
  'events: event put': () => 'bus: published',
  'lambda: invoked': ({ function: name }) => invoked(String(name)),
  's3: PutObject': ({ key }) => (String(key).startsWith('events/') ? `archive: ${key}` : undefined),
};

function invoked(name: string): string | undefined {
  if (name.includes('Confirm')) return 'confirmed is raised';
  if (name.includes('Publish')) return 'the publisher is done with it';
  if (name.includes('Project')) return 'the projections apply it';
  if (name.includes('FeeService')) return 'the fee service is told';
  if (name.includes('Transform')) return 'Firehose has it made into a row';
  return undefined;
}
