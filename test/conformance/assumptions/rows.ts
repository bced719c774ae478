import { readFileSync } from 'node:fs';
import type { Case, Suite } from '../suite.ts';

/** A row of docs/assumptions.md. */
export interface Row {
  readonly behaviour: string;
  /** The cases that ask an endpoint about it, each as `suite: case`; none where the row says why not. */
  readonly asked: readonly string[];
  readonly notAsked: string | undefined;
  /** Test files of the runtime itself. */
  readonly files: readonly string[];
}

/** The last cell is ``asked: `suite: case`, …; `test/…` `` or ``not asked: why; `test/…` ``. */
export function readRows(text = readFileSync('docs/assumptions.md', 'utf8')): readonly Row[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
  return cells.slice(1).flatMap(([behaviour = '', , checked = '']) => {
    if (checked === '') return [];
    const [said = '', ...files] = checked.split(/; (?=`test\/)/);
    const asked = said.startsWith('asked: ') ? [...said.matchAll(/`([^`]+)`/g)].map(([, name]) => name!) : [];
    const notAsked = /^not asked: (.{20,})$/s.exec(said)?.[1];
    return [{ behaviour, asked, notAsked, files: [...files.join().matchAll(/`([^`]+)`/g)].map(([, path]) => path!) }];
  });
}

/** A case that rows name, and what it costs. */
export interface Asked {
  readonly name: string;
  readonly suite: Suite;
  readonly one: Case;
  readonly rows: readonly string[];
}

export const nameOf = (suite: Suite, one: Case) => `${suite.service}: ${one.name}`;

/** The cases that the rows name, in the order of the rows. */
export function casesOf(rows: readonly Row[], suites: readonly Suite[]): readonly Asked[] {
  const all = new Map(suites.flatMap((suite) => suite.cases.map((one) => [nameOf(suite, one), { suite, one }])));
  const names = [...new Set(rows.flatMap(({ asked }) => asked))];
  return names.map((name) => {
    const found = all.get(name);
    if (found === undefined) throw new Error(`docs/assumptions.md names a case that does not exist: ${name}`);
    return {
      name,
      ...found,
      rows: rows.filter(({ asked }) => asked.includes(name)).map(({ behaviour }) => behaviour),
    };
  });
}

export const costsOf = ({ suite, one }: Asked) => one.costs ?? suite.costs;
