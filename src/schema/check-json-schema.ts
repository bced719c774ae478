import type { JsonSchema } from './json-schema.ts';

export function checkJsonSchema(_schema: JsonSchema, _event: string, _part: 'data' | 'metadata'): void {}
