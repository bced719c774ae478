import type { BuildOptions } from 'esbuild';

/** Whether this runs from the repository's TypeScript, or from the package's JavaScript. */
export const fromSources = import.meta.url.endsWith('.ts');

/**
 * Where the SDK's credential chain looks after the environment, each behind an `import()`. In Lambda the environment always
 * has them, so that these would only be ballast: a fifth of a bundle.
 */
const UNUSED_CREDENTIALS = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
];

/** How every function is bundled, in a stack and for the package. */
export const BUNDLING = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  mainFields: ['module', 'main'], // the SDK's ES modules: a third smaller (measured)
  // To name a condition switches esbuild's own 'module' off. The package does not hold its sources.
  conditions: fromSources ? ['daybook-source', 'module'] : ['module'],
  external: ['@duckdb/node-api', ...UNUSED_CREDENTIALS], // from the layer
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
} satisfies BuildOptions;
