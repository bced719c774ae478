import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Artifact {
  /** What is fetched, in words. */
  readonly title: string;
  readonly groupId: string;
  readonly artifactId: string;
  readonly version: string;
}

/**
 * The class path of an artifact and all that it needs; Maven fetches them once, into .cache/. What is missing for that is
 * answered as text.
 */
export function fetchJars(artifact: Artifact): { readonly classPath: string } | 'Java' | 'Maven' {
  if (!has('java', '-version')) return 'Java';
  const cache = path.resolve('.cache', `${artifact.artifactId.toLowerCase()}-${artifact.version}`);
  const jars = path.join(cache, 'jars');
  if (!existsSync(jars) || readdirSync(jars).length === 0) {
    if (!has('mvn', '--version')) return 'Maven';
    console.log(`fetching ${artifact.title} ${artifact.version} by Maven, once`);
    copyDependencies(artifact, cache, jars);
  }
  return { classPath: path.join(jars, '*') };
}

function copyDependencies({ title, ...artifact }: Artifact, cache: string, jars: string): void {
  mkdirSync(cache, { recursive: true });
  writeFileSync(path.join(cache, 'pom.xml'), pomOf(artifact));
  // What was cut off is not taken for the whole.
  const partial = `${jars}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const copied = spawnSync(
    'mvn',
    ['--batch-mode', '--quiet', 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`],
    { cwd: cache, stdio: 'inherit' },
  );
  if (copied.status !== 0) throw new Error(`Maven could not fetch ${title} ${artifact.version}`);
  rmSync(jars, { recursive: true, force: true });
  renameSync(partial, jars);
}

const pomOf = ({
  groupId,
  artifactId,
  version,
}: Omit<Artifact, 'title'>) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>daybook</groupId>
  <artifactId>fetched</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>${groupId}</groupId>
      <artifactId>${artifactId}</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;

function has(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
}
