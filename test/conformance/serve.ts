/** The embedded runtime in a process of its own: its address on standard output, its end with that of its parent. */
import { startEmbedded } from './embedded.ts';

const target = await startEmbedded();
console.log(target.config.endpoint);
process.on('disconnect', () => process.exit());
