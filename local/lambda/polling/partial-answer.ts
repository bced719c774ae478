import type { Json } from '../../cloud.ts';

/**
 * Which records a function reported as failed, by index; undefined when the answer means that all failed.
 *
 * "Lambda treats a batch as a complete success if you return: an empty batchItemFailures list, a null batchItemFailures
 * list, an empty EventResponse, a null EventResponse. … as a complete failure if you return: an empty string
 * itemIdentifier, a null itemIdentifier, an itemIdentifier with a bad key name", or an invalid JSON response.
 */
export function reportedFailures(payload: string, identifiers: readonly string[]): number[] | undefined {
  let answer: Json;
  try {
    answer = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (answer === null) return [];
  if (typeof answer !== 'object' || Array.isArray(answer)) return undefined;
  const failures = answer.batchItemFailures;
  if (failures === undefined || failures === null) return [];
  if (!Array.isArray(failures)) return undefined;
  const positions = new Map(identifiers.map((identifier, index) => [identifier, index]));
  const found = new Set<number>();
  for (const failure of failures) {
    const position = positions.get(failure?.itemIdentifier);
    if (position === undefined) return undefined;
    found.add(position);
  }
  return [...found].sort((a, b) => a - b);
}
