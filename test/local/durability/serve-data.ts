import { startLocal } from '../../../local/index.ts';

// Hosts an assembly on a data folder and says when it is ready. The test kills it.
const [assembly, data] = process.argv.slice(2);
const { endpoint, stacks } = await startLocal({
  assembly: assembly!,
  data: data!,
  deliverWithinMs: 200,
  compactAfterBytes: 200_000, // some times in a round
  log(line) {
    if (line.startsWith('runtime: ')) process.stderr.write(`${line}\n`); // a defect
  },
});
const all = Object.values(stacks);
const byPath = Object.assign({}, ...all.map((stack) => stack.byPath));
const outputs = Object.assign({}, ...all.map((stack) => stack.outputs));
process.stdout.write(`${JSON.stringify({ endpoint, byPath, outputs })}\n`);
