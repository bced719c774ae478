import { execFile } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { defineBench, type Readings, type Side } from '../figure.ts';

/** A bench runs in the repository's folder. */
const handlers = resolve('test/bench/handlers');
const outdir = resolve('.cache/bench/handlers');

/** Prints what an import takes, from the first line of the user's code on: what a cold start pays besides the runtime. */
const IMPORT = `
const cpu = process.cpuUsage();
const wall = process.hrtime.bigint();
const { handler } = await import(process.argv[2]);
const took = { wall: Number(process.hrtime.bigint() - wall) };
const { user, system } = process.cpuUsage(cpu);
if (typeof handler !== 'function') throw new Error('no handler');
console.log(JSON.stringify({ ...took, cpu: (user + system) * 1000 }));
`;

/** A command handler with two SDK clients, bundled by esbuild and minified, imported in a process of its own each time. */
export default defineBench({
  name: 'handler',
  rounds: 20,
  warmUp: 1,
  figures: [
    {
      name: 'handler-bundle',
      what: 'bytes of a command handler’s bundle ÷ a handler that makes its three calls with the two bare SDK clients, both mainFields module,main',
      formula: { kind: 'ratio', of: 'daybook', to: 'bare', by: 'bytes' },
      budget: { atMost: 1.15 },
    },
    {
      name: 'handler-bundle-clients',
      what: 'the same ÷ the two bare SDK clients alone, which call nothing',
      formula: { kind: 'ratio', of: 'daybook', to: 'clients', by: 'bytes' },
    },
    {
      name: 'handler-bundle-castore',
      what: 'bytes of the same handler on Castore, mainFields module,main ÷ the bare handler',
      formula: { kind: 'ratio', of: 'castore', to: 'bare', by: 'bytes' },
    },
    {
      name: 'handler-import',
      what: 'import of our handler, mainFields module,main ÷ Castore’s handler as esbuild bundles by default, CPU',
      formula: { kind: 'ratio', of: 'daybook', to: 'castoreDefault', by: 'cpu' },
      budget: { atMost: 0.65 },
    },
    {
      name: 'handler-import-wall',
      what: 'the same, wall',
      formula: { kind: 'ratio', of: 'daybook', to: 'castoreDefault', by: 'wall' },
      budget: { atMost: 0.65 },
    },
    {
      name: 'handler-import-castore',
      what: 'import of Castore’s handler with mainFields module,main ÷ as esbuild bundles by default, CPU',
      formula: { kind: 'ratio', of: 'castore', to: 'castoreDefault', by: 'cpu' },
    },
  ],
  async prepare() {
    const modules = ['module', 'main'];
    const bundles = {
      daybook: await bundle('daybook', modules),
      clients: await bundle('clients', modules),
      bare: await bundle('bare', modules),
      castore: await bundle('castore', modules),
      castoreDefault: await bundle('castore'),
    };
    const script = join(outdir, 'import.mjs');
    writeFileSync(script, IMPORT);
    const side = (file: string): Side => imported(script, file);
    return {
      sides: {
        daybook: side(bundles.daybook),
        clients: side(bundles.clients),
        bare: side(bundles.bare),
        castore: side(bundles.castore),
        castoreDefault: side(bundles.castoreDefault),
      },
    };
  },
});

async function bundle(name: string, mainFields?: string[]): Promise<string> {
  const outfile = join(outdir, `${name}${mainFields === undefined ? '-default' : ''}.cjs`);
  await build({
    entryPoints: [join(handlers, `${name}.ts`)],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    ...(mainFields !== undefined && { mainFields }),
    logLevel: 'warning',
  });
  return outfile;
}

function imported(script: string, file: string): Side {
  let taken: Readings = {};
  return {
    count: 1,
    async run() {
      const { stdout } = await promisify(execFile)(process.execPath, [script, file]);
      taken = JSON.parse(stdout) as Readings;
    },
    readings: () => ({ ...taken, bytes: statSync(file).size }),
  };
}
