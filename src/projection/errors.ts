import { addMessages } from '../errors.ts';

/** The projection error codes: each makes its message from its details. */
export const projectionErrors = {
  'projection.changed': (d: { projection: string; planned: number; found: number | undefined }) =>
    `${d.projection} was planned in version ${d.planned}, and this code has ${d.found === undefined ? 'no such projection' : `version ${d.found}`}: it was deployed anew; start the replay again`,
  'projection.contended': (d: { projection: string; build: string; aggregateUuid: string; attempts: number }) =>
    `aggregate ${d.aggregateUuid} of ${d.projection}/${d.build} was changed by others ${d.attempts} times in a row; the batch is retried`,
};

addMessages(projectionErrors);
