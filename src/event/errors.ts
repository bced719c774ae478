import { describeIssues, type Issue } from '../schema/json-value.ts';

const eventNamed = (d: { version?: number; aggregateUuid?: string }) => `version ${d.version} of ${d.aggregateUuid}`;
const FOREIGN = '; something else than Daybook wrote it';

/** What was given, as JSON where it can be, and cut. */
export const quoted = (given: unknown): string =>
  (JSON.stringify(given) ?? String(given)).replace(/(.{300}).+/s, '$1…');

/** The event error codes: each makes its message from its details. */
export const eventErrors = {
  'definition.badName': (d: { what: string; given: unknown; problem: string }) =>
    `${quoted(d.given)} cannot name the ${d.what}: ${d.problem}`,
  'definition.badSchemaVersion': (d: { event: string; given: unknown }) =>
    `schemaVersion of ${d.event} is ${String(d.given)}; allowed are 1, 2, 3 …`,
  'definition.badFoldVersion': (d: { name: string; given: unknown }) =>
    `the fold version of ${d.name} is ${String(d.given)}; allowed are 1, 2, 3 …`,
  'definition.badFields': (d: { name: string; stray: readonly string[]; missing: readonly string[] }) =>
    `the fields of ${d.name} ${[
      ...(d.missing.length > 0 ? [`lack ${d.missing.join(', ')} (give a list of names, [] where none is read)`] : []),
      ...(d.stray.length > 0 ? [`name ${d.stray.join(', ')}, which is no event of it`] : []),
    ].join(' and ')}`,
  'definition.needsOrder': (d: { name: string; given: readonly string[] }) =>
    `the rollup ${d.name} has ${d.given.join(' and ')}: events of several aggregates have no order among them, so there is no fold over them; map each event to keys and combine the values in any order, or fold each aggregate with defineProjection`,
  'definition.noSchema': (d: { event: string; part: string }) =>
    `${d.event} has no schema for its ${d.part}; give a JSON Schema or a Standard Schema`,
  'definition.badSchema': (d: { event: string; path: string; problem: string }) =>
    `the schema of ${d.event} at ${d.path}: ${d.problem}`,
  'definition.missingUpcast': (d: { event: string; from: number; schemaVersion: number }) =>
    `${d.event} is at schema version ${d.schemaVersion} but has no upcast from version ${d.from}; add upcasts[${d.from}]`,
  'definition.badUpcast': (d: { event: string; from: number; problem: string }) =>
    `upcasts[${d.from}] of ${d.event}: ${d.problem}`,
  'definition.strayUpcast': (d: { event: string; from: string; schemaVersion: number }) =>
    `${d.event} has an upcast from ${d.from}; with schemaVersion ${d.schemaVersion} they start from 1 to ${d.schemaVersion - 1}`,
  'definition.noEvents': (d: { name: string }) => `${d.name} names no events; give at least one`,
  'definition.notAnEvent': (d: { name: string }) => `${d.name} lists something that defineEvent did not make`,
  'definition.duplicateEvent': (d: { name: string; event: string }) => `${d.name} lists the event ${d.event} twice`,
  'definition.duplicateName': (d: { what: string; name: string }) =>
    `two ${d.what} definitions of this app are called ${d.name}; names are unique`,
  'event.notAnEvent': (d: { position: number; given: unknown }) =>
    `event ${d.position} of the commit is ${d.given === null ? 'null' : typeof d.given}; give { type, data }`,
  'event.badType': (d: { position: number; given: unknown; problem: string }) =>
    `event ${d.position} of the commit has no usable type: ${d.problem}; a type is text of 1 to 128 bytes`,
  'event.unknownType': (d: {
    aggregateType: string;
    aggregateUuid: string;
    version?: number;
    type: string;
    known: readonly string[];
  }) =>
    `${d.type}${d.version === undefined ? '' : ` (version ${d.version})`} is no event of ${d.aggregateType} ${d.aggregateUuid}; it has ${d.known.join(', ') || 'none'}`,
  'event.unknownField': (d: { position: number; type: string; field: string }) =>
    `event ${d.position} of the commit (${d.type}) has a field ${d.field}; there are type, data, metadata and occurredAt`,
  'event.invalid': (d: {
    type: string;
    part: 'data' | 'metadata';
    issues: readonly Issue[];
    position?: number;
    aggregateUuid?: string;
    version?: number;
  }) =>
    `${d.part} of ${d.type}${d.version === undefined ? '' : `, ${eventNamed(d)},`} does not satisfy its schema: ${describeIssues(d.issues)}`,
  'event.badOccurredAt': (d: { position: number; type: string; given: unknown; problem: string }) =>
    `occurredAt of event ${d.position} (${d.type}) is ${String(d.given)}; ${d.problem}`,
  'event.corrupt': (d: { aggregateUuid: string; version: number; type: string; part: string }) =>
    `${d.part} of ${eventNamed(d)} (${d.type}) is no JSON text${FOREIGN}`,
  'event.newerSchema': (d: { aggregateUuid: string; version: number; type: string; stored: number; known: number }) =>
    `${eventNamed(d)} is a ${d.type} of schema version ${d.stored}, this code knows ${d.known}; deploy the newer code first`,
  'event.upcastFailed': (d: { aggregateUuid: string; version: number; type: string; from: number; reason: string }) =>
    `upcasting ${eventNamed(d)} (${d.type}) from schema version ${d.from} failed: ${d.reason}`,
  'event.unknownFormat': (d: { aggregateUuid: string; version: number; format: string }) =>
    `${eventNamed(d)} is stored in format ${d.format}; this code reads format 1`,
  'event.missingAttribute': (d: { aggregateUuid: string; version: number; attribute: string }) =>
    `${eventNamed(d)} has no ${d.attribute}, or one that no event has${FOREIGN}`,
  'event.encrypted': (d: { aggregateUuid: string; version: number }) =>
    `${eventNamed(d)} has encrypted fields, which this code cannot read`,
};
