import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createEventStore } from '../../../src/index.ts';
import { checkJsonSchema } from '../../../src/schema/check-json-schema.ts';
import { compileJsonSchema } from '../../../src/schema/compile-json-schema.ts';
import { memoryEventTable } from '../../../src/testing/index.ts';
import { Account, deposited, opened } from '../../contract/bank.ts';

const schema = JSON.parse(readFileSync(new URL('../../../schemas/stored-event.json', import.meta.url), 'utf8'));

describe('schemas/stored-event.json', () => {
  it('says what is stored, no more and no less', async () => {
    checkJsonSchema(schema, 'stored event', 'data');
    const validate = compileJsonSchema(schema);
    const table = memoryEventTable();
    const store = createEventStore({ table });
    const first = { ...opened('Bob'), metadata: { by: 'Eve' }, occurredAt: '2020-01-01T00:00:00+01:00' };
    await store.append({ aggregate: Account, aggregateUuid: 'a', expectedVersion: 0 }, [first, deposited(1)]);
    const names = new Set<string>();
    for (const event of table.all()) {
      expect(validate(event)).toBeUndefined();
      for (const name of Object.keys(event)) names.add(name);
      expect(validate({ ...event, version: 0 })?.path).toBe('/version');
      expect(validate({ ...event, recordedAt: '2020-01-01' })?.path).toBe('/recordedAt');
      expect(validate({ ...event, more: 1 })?.path).toBe('/more');
    }
    expect([...names].sort()).toEqual(Object.keys(schema.properties).sort());
  });
});
