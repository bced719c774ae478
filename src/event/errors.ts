/** The event error codes: each makes its message from its details. */
export const eventErrors = {
  'definition.badName': (d: { what: string; given: unknown; problem: string }) =>
    `${JSON.stringify(d.given) ?? String(d.given)} cannot name the ${d.what}: ${d.problem}`,
  'definition.badSchemaVersion': (d: { event: string; given: unknown }) =>
    `schemaVersion of ${d.event} is ${String(d.given)}; allowed are 1, 2, 3 …`,
  'definition.badFoldVersion': (d: { name: string; given: unknown }) =>
    `the fold version of ${d.name} is ${String(d.given)}; allowed are 1, 2, 3 …`,
  'definition.noSchema': (d: { event: string; part: string }) =>
    `${d.event} has no schema for its ${d.part}; give a JSON Schema or a Standard Schema`,
  'definition.badSchema': (d: { event: string; path: string; problem: string }) =>
    `the schema of ${d.event} at ${d.path}: ${d.problem}`,
  'definition.missingUpcast': (d: { event: string; from: number; schemaVersion: number }) =>
    `${d.event} is at schema version ${d.schemaVersion} but has no upcast from version ${d.from}; add upcasts[${d.from}]`,
  'definition.strayUpcast': (d: { event: string; from: string; schemaVersion: number }) =>
    `${d.event} has an upcast from ${d.from}; with schemaVersion ${d.schemaVersion} they start from 1 to ${d.schemaVersion - 1}`,
  'definition.noEvents': (d: { name: string }) => `${d.name} names no events; give at least one`,
  'definition.notAnEvent': (d: { name: string }) => `${d.name} lists something that defineEvent did not make`,
  'definition.duplicateEvent': (d: { name: string; event: string }) => `${d.name} lists the event ${d.event} twice`,
  'definition.duplicateName': (d: { what: string; name: string }) =>
    `two ${d.what} definitions of this app are called ${d.name}; names are unique`,
};
