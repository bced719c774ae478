import { addMessages } from '../errors.ts';

/** The projection error codes: each makes its message from its details. */
export const projectionErrors = {
  'projection.changed': (d: { projection: string; planned: number; found: number | undefined }) =>
    `${d.projection} was planned in version ${d.planned}, and this code has ${d.found === undefined ? 'no such projection' : `version ${d.found}`}: it was deployed anew; start the replay again`,
  'projection.contended': (d: { projection: string; build: string; aggregateUuid: string; attempts: number }) =>
    `aggregate ${d.aggregateUuid} of ${d.projection}/${d.build} was changed by others ${d.attempts} times in a row; the batch is retried`,
  'projection.badState': (d: {
    projection: string;
    aggregateUuid: string;
    version: number;
    type: string;
    found: string;
  }) =>
    `${d.projection} made ${d.found} of ${d.type} (aggregate ${d.aggregateUuid}, version ${d.version}); a fold returns its state at once, as JSON: return the state that it was given where an event changes nothing`,
  'projection.notJson': (d: { aggregateUuid: string; version: number; where: string; found: string }) =>
    `the state of aggregate ${d.aggregateUuid} at version ${d.version} is no JSON: ${d.where} is ${d.found}; keep numbers, texts, booleans, lists and plain objects`,
  'projection.stateTooLarge': (d: { aggregateUuid: string; version: number; bytes: number; most: number }) =>
    `the state of aggregate ${d.aggregateUuid} at version ${d.version} has ${d.bytes} bytes, an item of the table holds ${d.most}: keep less in it (the last of a list, not all), or make it a rollup by finer keys`,
  'projection.valueTooLarge': (d: { projection: string; key: string; bytes: number; most: number }) =>
    `the value of ${d.projection} for the key ${JSON.stringify(d.key)} has ${d.bytes} bytes, an item of the table holds ${d.most}: keep less in it, or map to finer keys`,
  'projection.changeTooLarge': (d: {
    projection: string;
    aggregateUuid: string;
    version: number;
    keys: number;
    bytes: number;
    most: number;
  }) =>
    `what version ${d.version} of aggregate ${d.aggregateUuid} changes of ${d.projection} has ${d.bytes} bytes under ${d.keys} keys, one transaction takes ${d.most}: keep less in the values, or map an event to fewer keys`,
  'projection.badEntries': (d: {
    projection: string;
    aggregateUuid: string;
    version: number;
    type: string;
    found: string;
  }) =>
    `the map of ${d.projection} made ${d.found} of ${d.type} (aggregate ${d.aggregateUuid}, version ${d.version}); it returns a list of {key, value} with keys that are text, [] when there is none`,
  'projection.badCombine': (d: { projection: string; key: string; found: string }) =>
    `the combine of ${d.projection} made ${d.found} for the key ${JSON.stringify(d.key)}; it returns a value at once, as JSON`,
  'projection.tooManyKeys': (d: {
    projection: string;
    aggregateUuid: string;
    version: number;
    type: string;
    keys: number;
    most: number;
  }) =>
    `${d.projection} maps ${d.type} (aggregate ${d.aggregateUuid}, version ${d.version}) to ${d.keys} keys; an event may add to ${d.most}, which are one transaction with its aggregate's position: map it to fewer, coarser keys`,
  'projection.notYet': (d: {
    projection: string;
    build: string;
    aggregateUuid: string;
    version: number;
    position: number;
    waitedMs: number;
  }) =>
    `${d.projection}/${d.build} reflects aggregate ${d.aggregateUuid} up to version ${d.position} and not ${d.version} after ${d.waitedMs} ms; read it as it is, or wait longer`,
};

addMessages(projectionErrors);
