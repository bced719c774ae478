import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { packageRoot } from './function-code.ts';

const PACKAGE = '@duckdb/node-api';
const ID = 'DaybookDuckdb';

/**
 * DuckDB for the functions' own processor, whatever the developer's machine is: npm installs the exact version of
 * Daybook's package.json for Linux on arm64 while the asset is bundled (71 MB unpacked). Where the context
 * `daybook:local` is true, as in the embedded runtime, nothing is downloaded: it takes the project's own DuckDB.
 */
export function duckdbLayer(scope: Construct): LayerVersion {
  const stack = Stack.of(scope);
  const made = stack.node.tryFindChild(ID);
  if (made !== undefined) return made as LayerVersion; // one for all functions of a stack
  const version = duckdbVersion();
  const source = join(packageRoot, 'stacks/duckdb-layer');
  const local = scope.node.tryGetContext('daybook:local') === true;
  return new LayerVersion(stack, ID, {
    description: `${PACKAGE} ${version}, linux arm64`,
    compatibleArchitectures: [Architecture.ARM_64],
    compatibleRuntimes: [Runtime.NODEJS_24_X],
    removalPolicy: RemovalPolicy.DESTROY,
    code: Code.fromAsset(source, {
      // Two names: an asset that is already in the bucket is not uploaded again, and the local one holds no DuckDB.
      assetHash: `duckdb-${version}-${local ? 'local' : 'linux-arm64'}`,
      assetHashType: AssetHashType.CUSTOM,
      bundling: {
        image: DockerImage.fromRegistry('scratch'), // never used: the local bundling below always answers
        local: {
          tryBundle(output) {
            name(version, join(output, 'nodejs'));
            if (!local) install(join(output, 'nodejs'));
            return true;
          },
        },
      },
    }),
  });
}

/** Says what the layer holds: for npm, and for the embedded runtime, which links the project's own copy. */
function name(version: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { [PACKAGE]: version } }));
}

function install(folder: string): void {
  const target = ['--os=linux', '--cpu=arm64', '--libc=glibc'];
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', ...target], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
}

/** The version that Daybook's package.json pins. */
function duckdbVersion(): string {
  const { optionalDependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  return optionalDependencies[PACKAGE]!;
}
