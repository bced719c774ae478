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
};

addMessages(projectionErrors);
