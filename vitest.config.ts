import { defineConfig } from 'vitest/config';

// `import 'daybook'` inside the repository means its sources (see package.json, exports). No `module`: Node itself knows no
// such condition, and packages imported by it must resolve as it does.
const conditions = ['daybook-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ['test/run-folder.ts'],
    maxWorkers: 2,
    execArgv: ['--conditions=daybook-source'],
    projects: [
      {
        extends: true,
        test: { name: 'all', include: ['test/**/*.test.ts'], exclude: ['test/stacks/**', 'node_modules/**'] },
      },
      // These look at one template: synthesized once, not once a file.
      {
        extends: true,
        test: {
          name: 'stacks',
          include: ['test/stacks/**/*.test.ts'],
          isolate: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
