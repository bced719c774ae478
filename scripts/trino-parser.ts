import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fetchJars } from './maven.ts';

/** Athena's engine version 3 is a Trino; this release's parser runs on Java 17. */
export const trinoParser = () =>
  fetchJars({ title: "Trino's parser", groupId: 'io.trino', artifactId: 'trino-parser', version: '435' });

export interface Parsed {
  /** `line 1:8: …`; undefined where the statement is well formed. */
  readonly problem?: string;
  /** Parameters in WHERE clauses, and elsewhere. */
  readonly inWhere: number;
  readonly elsewhere: number;
}

/** What Trino's parser says of each statement, all in one run of Java. */
export function parseSql(classPath: string, statements: readonly string[]): Parsed[] {
  const program = path.resolve(import.meta.dirname, 'trino-parser/ParseSql.java');
  const options = ['-XX:TieredStopAtLevel=1', '-cp', classPath, program]; // it lives for a second
  const java = spawnSync('java', options, { input: statements.join('\0'), encoding: 'utf8' });
  if (java.status !== 0) throw new Error(`ParseSql ended with ${java.status}: ${java.stderr}`);
  const lines = java.stdout.trimEnd().split('\n');
  if (lines.length !== statements.length)
    throw new Error(`ParseSql answered ${lines.length} of ${statements.length} statements`);
  return lines.map((line) => {
    const [, inWhere, elsewhere] = /^ok\t(\d+)\t(\d+)$/.exec(line) ?? [];
    if (inWhere === undefined) return { problem: line, inWhere: 0, elsewhere: 0 };
    return { inWhere: Number(inWhere), elsewhere: Number(elsewhere) };
  });
}
