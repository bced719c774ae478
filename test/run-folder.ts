import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder of this run: what test files have in common lies there, and goes when the run ends. */
    runFolder: string;
  }
}

/** In the repository: programs that lie there find their packages. */
const CACHE = resolve(import.meta.dirname, '../.cache');

export default function setup(project: TestProject) {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'run-'));
  project.provide('runFolder', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
