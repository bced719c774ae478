import { addMessages } from '../errors.ts';

/** The schema error codes: each makes its message from its details. */
export const schemaErrors = {
  'schema.noJsonSchema': (d: { event: string; part: string; vendor: string }) =>
    `the ${d.part} schema of ${d.event} was made with ${d.vendor}, which does not say it as JSON Schema; give it beside the schema, as jsonSchema: { ${d.part}: … }`,
};

addMessages(schemaErrors);
