import { defineConfig } from 'vitest/config';
import { FileOrder } from './test/file-order.ts';

// `import 'daybook'` inside the repository means its sources (see package.json, exports). No `module`: Node itself knows no
// such condition, and packages imported by it must resolve as it does.
const conditions = ['daybook-source', 'node', 'import', 'default'];

/**
 * Tests that leave nothing behind in their process (no environment, no timers, no mocks): one process takes many files, which spares
 * each of them the loading of the same modules.
 */
const TOGETHER = [
  'test/contract/*.test.ts',
  'test/functions/**/*.test.ts',
  'test/local/{athena,dynamodb,eventbridge,firehose,glue,host,kernel,kinesis,lambda,pipes,s3,sqs,stepfunctions}/**/*.test.ts',
  'test/src/cli/{check,dev-file,feed,flow,main,open-replays,reading,sql-table,target}.test.ts',
  'test/src/{archive,aws,event,feed,import,projection,replay,schema,store,testing}/**/*.test.ts',
];
/** These measure their process. */
const APART = [
  'test/local/lambda/worker.test.ts',
  'test/local/stepfunctions/states.test.ts',
  'test/src/archive/result-csv.test.ts',
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ['test/run-folder.ts'],
    maxWorkers: 2,
    sequence: { sequencer: FileOrder },
    execArgv: ['--conditions=daybook-source'],
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: ['test/stacks/**', ...TOGETHER, 'node_modules/**'],
        },
      },
      { extends: true, test: { name: 'apart', include: APART } },
      {
        extends: true,
        test: { name: 'together', include: TOGETHER, exclude: [...APART, 'node_modules/**'], isolate: false },
      },
      // These look at one template: synthesized once a process, not once a file.
      { extends: true, test: { name: 'stacks', include: ['test/stacks/**/*.test.ts'], isolate: false } },
    ],
  },
});
