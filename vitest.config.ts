import { defineConfig } from 'vitest/config';

// `import 'daybook'` inside the repository means its sources (see package.json, exports).
const conditions = ['daybook-source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/strict/**', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    execArgv: ['--conditions=daybook-source'],
  },
});
