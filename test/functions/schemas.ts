import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { JsonSchema } from '../../src/schema/json-schema.ts';
import { validatorOf } from '../../src/schema/validate.ts';

/** Expects a value to be what a wire contract in schemas/ says. */
export function expectSchema(
  name: 'envelope' | 'bus-event' | 'archive-row' | 'replay-request' | 'replay-result',
  value: unknown,
): void {
  const file = new URL(`../../schemas/${name}.json`, import.meta.url);
  const {
    $schema: _,
    $id: __,
    ...schema
  } = JSON.parse(readFileSync(file, 'utf8')) as JsonSchema & Record<string, unknown>;
  expect(validatorOf(schema)(value)).not.toHaveProperty('issues');
}
