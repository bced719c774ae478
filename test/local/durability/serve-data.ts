import { startLocal } from '../../../local/index.ts';

// Hosts an assembly on a data folder and says when it is ready. The test kills it.
const [assembly, data] = process.argv.slice(2);
const runtime = await startLocal({
  assembly: assembly!,
  data: data!,
  deliverWithinMs: 200,
  log: (line) => process.stderr.write(`${line}\n`),
});
const { endpoint, stacks } = runtime;
process.stdout.write(
  `${JSON.stringify({ endpoint, byPath: Object.assign({}, ...Object.values(stacks).map((s) => s.byPath)) })}\n`,
);
