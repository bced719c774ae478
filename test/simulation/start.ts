// What `npm run simulate` begins with.
import { importBundled } from './import-bundled.ts';

await importBundled('test/simulation/simulate.ts');
