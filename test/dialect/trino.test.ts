import { beforeAll, describe, expect, it } from 'vitest';
import { savedQueries } from '../../examples/bank/saved-queries.ts';
import { parseSql } from '../../scripts/trino-parser.ts';
import { SAVED_QUERIES } from '../../src/archive/saved-queries.ts';
import { bindNames } from '../../src/archive/sql-text.ts';
import { shownCommands } from '../docs/analysts-page.ts';
import { bank, resourcesOf } from '../stacks/bank-template.ts';

// Athena's dialect: `npm run test:dialect` says where the parser is; without it there is nothing to ask.
const classPath = process.env.TRINO_PARSER;

/** Everything that the bank's template holds in Athena's SQL: its saved queries, and its views as Athena keeps them. */
function templateTexts(): [name: string, sql: string][] {
  const saved = resourcesOf('AWS::Athena::NamedQuery').map(([, { Properties }]): [string, string] => [
    `the saved query ${Properties.Name}`,
    Properties.QueryString,
  ]);
  const views = resourcesOf('AWS::Glue::Table')
    .filter(([, { Properties }]) => Properties.TableInput.TableType === 'VIRTUAL_VIEW')
    .map(([, { Properties }]): [string, string] => [
      `the view ${Properties.TableInput.Name}`,
      viewSql(Properties.TableInput.ViewOriginalText),
    ]);
  return [...saved, ...views];
}

function viewSql(text: string): string {
  const [, encoded] = /^\/\* Presto View: (\S+) \*\/$/.exec(text) ?? [];
  if (encoded === undefined) throw new Error(`no view of Presto: ${text.slice(0, 80)}`);
  return JSON.parse(Buffer.from(encoded, 'base64').toString()).originalSql;
}

describe.skipIf(classPath === undefined)('Trino reads', () => {
  beforeAll(() => void bank(), 300_000); // synthesis takes its time
  it('what the template holds, with parameters only where Athena takes them', { timeout: 300_000 }, () => {
    const texts = templateTexts();
    const names = texts.map(([name]) => name);
    expect(names).toContain('the view events');
    for (const { name } of [...SAVED_QUERIES, ...savedQueries]) expect(names).toContain(`the saved query ${name}`);
    const parsed = parseSql(
      classPath!,
      texts.map(([, sql]) => sql),
    );
    expect(parsed.map(({ problem, elsewhere }, i) => [names[i], problem, elsewhere])).toEqual(
      names.map((name) => [name, undefined, 0]),
    );
    expect(parsed.map(({ inWhere }) => inWhere)).toEqual(texts.map(([, sql]) => bindNames(sql).names.length));
  });

  it('the queries of the guide for analysts', { timeout: 300_000 }, () => {
    const own = shownCommands().flatMap(({ args: [, sql = ''] }) => (sql.startsWith('--') ? [] : [bindNames(sql).sql]));
    expect(own.length).toBeGreaterThan(2);
    const parsed = parseSql(classPath!, own);
    expect(parsed.map(({ problem, elsewhere }) => [problem, elsewhere])).toEqual(own.map(() => [undefined, 0]));
  });

  it('no text that is none, and sees parameters outside WHERE', { timeout: 300_000 }, () => {
    expect(
      parseSql(classPath!, ['SELEC 1', 'SELECT ? FROM events WHERE type = ?', 'SELECT QUALIFY FROM t ASOF JOIN u']),
    ).toEqual([
      { problem: expect.stringMatching(/^line 1:1: mismatched input 'SELEC'/), inWhere: 0, elsewhere: 0 },
      { inWhere: 1, elsewhere: 1 },
      { problem: expect.stringMatching(/^line 1:/), inWhere: 0, elsewhere: 0 },
    ]);
  });
});
