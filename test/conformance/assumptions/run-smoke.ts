import type { Check, Smoke } from './check.ts';
import { dynamodb } from './dynamodb.ts';
import { others } from './others.ts';

export const CHECKS: readonly Check[] = [...dynamodb, ...others];

/** The plan as lines: each row with what its check makes and costs. */
export function planOf(checks: readonly Check[]): readonly string[] {
  const total = checks.reduce((sum, { dollars }) => sum + dollars, 0);
  return [
    ...checks.map(
      ({ row, makes, dollars, needsRole }) =>
        `- ${row} …\n    makes ${makes}; ${dollars === 0 ? 'free' : `up to $${dollars.toFixed(5)}`}${needsRole === true ? '; needs --role' : ''}`,
    ),
    `${checks.length} rows of docs/assumptions.md, up to $${total.toFixed(4)} in all. Everything is tagged daybook:smoke and removed.`,
  ];
}

export interface Outcome {
  readonly row: string;
  readonly kind: 'holds' | 'differs' | 'left out';
  readonly text: string;
}

/** Runs the checks one after the other, and takes away what they made, whatever happens. */
export async function runSmoke(
  options: Pick<Smoke, 'config' | 'id' | 'role'>,
  checks: readonly Check[],
  say: (line: string) => void,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly left: readonly string[] }> {
  const made: { what: string; remove: () => Promise<unknown> }[] = [];
  const smoke: Smoke = {
    ...options,
    tags: { 'daybook:smoke': options.id },
    made: (what, remove) => void made.push({ what, remove }),
  };
  const outcomes: Outcome[] = [];
  const left: string[] = [];
  try {
    for (const check of checks) {
      const outcome = await runCheck(check, smoke);
      outcomes.push(outcome);
      say(`${outcome.kind}: ${check.row} …${outcome.text === '' ? '' : `\n    ${outcome.text}`}`);
    }
  } finally {
    for (const { what, remove } of made.reverse()) {
      try {
        await remove();
        say(`removed ${what}`);
      } catch (error) {
        left.push(what);
        say(`could not remove ${what}: ${(error as Error).message}. Remove it by hand.`);
      }
    }
  }
  return { outcomes, left };
}

async function runCheck({ row, needsRole, run }: Check, smoke: Smoke): Promise<Outcome> {
  if (needsRole === true && smoke.role === undefined) return { row, kind: 'left out', text: 'it needs --role' };
  try {
    await run(smoke);
    return { row, kind: 'holds', text: '' };
  } catch (error) {
    return { row, kind: 'differs', text: (error as Error).message };
  }
}
