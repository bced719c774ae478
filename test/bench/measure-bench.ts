import type { Bench } from './figure.ts';
import { processMeter, runRounds } from './run-rounds.ts';

/** What a bench's process runs: prepares, measures, hands over what it took to the process that asked, and ends. */
export async function measureBench(bench: Bench): Promise<void> {
  const prepared = await bench.prepare();
  try {
    const rounds = await runRounds(
      prepared.sides,
      {
        rounds: Number(process.argv[2]),
        turns: bench.turns ?? 1,
        ...(bench.warmUp !== undefined && { warmUp: bench.warmUp }),
      },
      processMeter(),
    );
    await new Promise<void>((resolve, reject) => {
      if (process.send === undefined) throw new Error('a bench is run by bench.ts');
      process.send(rounds, (error: Error | null) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    await prepared.close?.();
    process.disconnect();
  }
}
