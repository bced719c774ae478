import { Ledger } from '../ledger.ts';
import { judge, type Target } from '../suite.ts';
import { type Asked, costsOf } from './rows.ts';

const short = (text: string) => (text.length > 110 ? `${text.slice(0, 110)}…` : text);

/** The plan as lines: each case with the rows that it asks about, what it makes and what that costs. */
export function planOf(cases: readonly Asked[]): readonly string[] {
  const total = cases.reduce((sum, asked) => sum + costsOf(asked).dollars, 0);
  const rows = new Set(cases.flatMap((asked) => asked.rows)).size;
  return [
    ...cases.flatMap((asked) => {
      const { makes, dollars } = costsOf(asked);
      return [
        `- ${asked.name}`,
        ...asked.rows.map((row) => `    asks: ${short(row)}`),
        `    makes ${makes}; ${dollars === 0 ? 'free' : `up to $${dollars.toFixed(5)}`}`,
      ];
    }),
    `${cases.length} cases for ${rows} rows of docs/assumptions.md, up to $${total.toFixed(2)} in all. Everything that bears tags is tagged daybook:smoke; all of it is removed.`,
  ];
}

export interface Outcome {
  readonly name: string;
  readonly kind: 'holds' | 'differs' | 'left out';
  readonly text: string;
}

const KINDS = { passed: 'holds', differs: 'differs', 'not judged': 'left out' } as const;

/** Plays the cases one after the other, and takes away what they made, whatever happens; `stop` ends it in between. */
export async function runSmoke(
  target: Target,
  cases: readonly Asked[],
  { id, say, stop }: { readonly id: string; say(line: string): void; readonly stop?: AbortSignal },
): Promise<{ readonly outcomes: readonly Outcome[]; readonly left: readonly string[] }> {
  const ledger = new Ledger({ 'daybook:smoke': id });
  const watched: Target = { ...target, tags: ledger.tags, watch: ledger.watch, note: ledger.note };
  const outcomes: Outcome[] = [];
  const stopped = new Promise<undefined>((resolve) => stop?.addEventListener('abort', () => resolve(undefined)));
  for (const { name, suite, one } of cases) {
    if (stop?.aborted) break;
    const playing = judge({ ...suite, cases: [one] }, watched, () => {});
    const verdict = (await Promise.race([playing, stopped]))?.[0];
    if (verdict === undefined) break;
    outcomes.push({ name, kind: KINDS[verdict.kind], text: verdict.text });
    say(
      `${KINDS[verdict.kind]}: ${name}${verdict.text === '' ? '' : `\n    ${verdict.text.replaceAll('\n', '\n    ')}`}`,
    );
  }
  return { outcomes, left: await ledger.close(say) };
}
