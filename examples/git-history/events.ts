import { defineEvent } from 'daybook';

/** What every change of a file carries. */
const change = {
  path: { type: 'string', minLength: 1, description: 'The path after the change' },
  linesAdded: { type: 'integer', minimum: 0 },
  linesDeleted: { type: 'integer', minimum: 0 },
  binary: { type: 'boolean' },
  commit: { type: 'string', pattern: '^[0-9a-f]{40}$', description: 'The commit that made the change' },
  authorHash: { type: 'string', description: 'Stands for the author' },
  message: { type: 'string', description: "The first line of the commit's message" },
} as const;
const always = ['path', 'linesAdded', 'linesDeleted', 'commit', 'authorHash', 'message'] as const;

const data = { type: 'object', properties: change, required: always, additionalProperties: false } as const;

export const FileAdded = defineEvent({ type: 'FileAdded', data });
export const FileModified = defineEvent({ type: 'FileModified', data });
export const FileDeleted = defineEvent({ type: 'FileDeleted', data });
export const FileRenamed = defineEvent({
  type: 'FileRenamed',
  data: {
    type: 'object',
    properties: { ...change, oldPath: { type: 'string', minLength: 1 } },
    required: [...always, 'oldPath'],
    additionalProperties: false,
  },
});
