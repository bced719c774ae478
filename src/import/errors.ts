import { addMessages } from '../errors.ts';

/** The import error codes: each makes its message from its details. */
export const importErrors = {
  'import.notUtf8': (_: Record<string, never>) => 'it is not UTF-8',
  'import.lineTooLong': (d: { bytes: number; limit: number }) => `it has ${d.bytes} bytes, the limit is ${d.limit}`,
  'import.notJson': (d: { problem: string }) => `it is not JSON: ${d.problem}`,
  'import.notAnObject': (_: Record<string, never>) => 'it is no JSON object',
  'import.unknownField': (d: { field: string; known: readonly string[] }) =>
    `it has a field ${d.field}; there are ${d.known.join(', ')}`,
  'import.inexactNumber': (d: { given: string }) => `the number ${d.given} cannot be kept exactly; give it as text`,
  'import.unknownAggregate': (d: { aggregateType: string; type: string; known: readonly string[] }) =>
    `the app has no aggregate ${d.aggregateType}, which ${d.type} would be an event of; it has ${d.known.join(', ') || 'none'}: name one of them in aggregateType, or by --type`,
  'import.hole': (d: { version: number; before: string }) => `version ${d.version} would leave a hole: ${d.before}`,
  'import.tooLate': (d: { version: number; last: number }) =>
    `version ${d.version} comes too late: the line before it of this aggregate is version ${d.last}`,
  'import.afterRefused': (d: { version: number; line: number }) =>
    `version ${d.version} of its aggregate was refused (line ${d.line})`,
  'import.differs': (d: { version: number; part: string; stored?: string }) =>
    `version ${d.version} is there already with another ${d.part}${d.stored === undefined ? '' : `: ${d.stored}`}`,
  'import.unreadable': (d: { lines: number; taken: number; problem: string }) =>
    `the file cannot be read beyond its first ${d.lines} lines: ${d.problem}. ${d.taken} events are stored; get the whole file and run it again: what is there already stays as it is`,
};

addMessages(importErrors);
