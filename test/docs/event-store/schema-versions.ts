import { defineAggregate, defineEvent, toJsonSchema, upcastBy } from 'daybook';
import { z } from 'zod';

export const HolderRenamed = defineEvent({
  type: 'HolderRenamed',
  schemaVersion: 3,
  data: z.object({ given: z.string(), family: z.string() }),
  upcasts: {
    1: upcastBy({ rename: { n: 'name' } }), // what version 1 stored, as version 2 would have
    2: (data: { name: string }) => {
      const [given = '', ...rest] = data.name.split(' ');
      return { given, family: rest.join(' ') };
    },
  },
});
export const Person = defineAggregate({
  type: 'Person',
  events: [HolderRenamed],
  initialState: () => ({ family: '' }),
  evolve: (_state, event) => ({ family: event.data.family }),
});

export const forTheRegistry = toJsonSchema(HolderRenamed);
