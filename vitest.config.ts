import { defineConfig } from 'vitest/config';

// `import 'daybook'` inside the repository means its sources (see package.json, exports). No `module`: Node itself knows no
// such condition, and packages imported by it must resolve as it does.
const conditions = ['daybook-source', 'node', 'import', 'default'];

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
