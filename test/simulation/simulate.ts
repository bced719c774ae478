/**
 * npm run simulate -- --seeds N [--seed S] [--trace]
 * npm run simulate -- --bugs [--seeds N]
 *
 * Runs the feed's real handlers in seeded virtual time under faults, and checks from outside what comes of it.
 * With --bugs it plants each known mistake in turn, and fails unless each one shows within N seeds.
 */
import { parseArgs } from 'node:util';
import { BUGS } from './bugs.ts';
import { findBug } from './find-bug.ts';
import { loadCode, SMALL_LIMITS } from './load-code.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean' },
    bugs: { type: 'boolean' },
  },
});
const first = Number(values.seed ?? 1);
const count = Number(values.seeds ?? (values.seed !== undefined ? 1 : values.bugs === true ? 500 : 1000));
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error('usage: npm run simulate -- --seeds N [--seed S] [--trace]; N and S are whole numbers');
  process.exit(2);
}

if (values.bugs === true) {
  let missed = 0;
  for (const bug of BUGS) {
    const found = await findBug(bug, count, first);
    if (found === undefined) missed++;
    console.log(
      `${found === undefined ? 'NOT FOUND' : `seed ${found.seed}`}`.padEnd(10),
      `${bug.name}: ${found?.violation ?? ''}`,
    );
  }
  console.log(`${BUGS.length - missed} of ${BUGS.length} planted bugs found within ${count} seeds`);
  process.exit(missed === 0 ? 0 : 1);
}

const code = await loadCode(SMALL_LIMITS);
const started = performance.now();
const totals = new Map<string, number>();
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const result = await simulate(seed, code, { trace: values.trace === true });
  for (const [what, n] of result.counts) totals.set(what, (totals.get(what) ?? 0) + n);
  if (values.trace === true) console.log(result.trace.join('\n'));
  if (result.violations.length === 0) continue;
  failed++;
  console.log(`seed ${seed} (${result.faults.join(', ')}): ${result.violations.length} violations`);
  for (const violation of result.violations.slice(0, 5)) console.log(`  ${violation}`);
}
const seconds = (performance.now() - started) / 1000;
const of = (what: string) => totals.get(what) ?? 0;
console.log(
  `${count} runs in ${seconds.toFixed(1)} s (${Math.round((count / seconds) * 60)} a minute), ${failed} failed; ` +
    `${of('appended')} events, ${of('envelopes')} envelopes, ` +
    `${(of('eventsFed') / of('appended') - 1).toFixed(2)} repeats per event on the feed`,
);
process.exit(failed === 0 ? 0 : 1);
