import { main } from '../../../src/cli/main.ts';

// bin/daybook.js without the build: the tests run the sources.
process.exitCode = await main(process.argv.slice(2));
