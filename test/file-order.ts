import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Test files that take long, from 70 seconds to 15: one of them at the end would have a core wait for it. */
const LONG = [
  'conformance/conformance',
  'statemachines/replay-faults',
  'statemachines/compaction',
  'docs/history-check',
  'src/cli/archive',
  'statemachines/replay',
  'local/durability/kill',
  'conformance/assumptions/smoke',
  'package/package',
  'local/durability/bank',
  'src/check/check-history',
  'src/cli/compacted-archive',
  'src/store/race',
  'src/archive/upcast-sql',
  'functions/throttled',
  'src/feed/consume/planted-bugs',
  'src/feed/consume/faults',
].map((name) => `/test/${name}.test.ts`);

/**
 * Both cores have work to the end. The longest file comes first; beside it the stacks, one after the other in one process, which
 * synthesizes what they look at once; then the files with a process each, and those that share one; of each the long ones first.
 */
export class FileOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const placed = sorted.map((file) => ({ file, turn: turnOf(file), length: lengthOf(file) }));
    return placed.sort((a, b) => a.turn - b.turn || a.length - b.length).map(({ file }) => file);
  }
}

function turnOf({ moduleId, project }: TestSpecification): number {
  if (moduleId.includes('/test/examples/git-history/')) return 0;
  if (project.name === 'stacks') return 1;
  return project.config.isolate ? 2 : 3;
}

function lengthOf({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((name) => moduleId.endsWith(name));
  return at < 0 ? LONG.length : at;
}
