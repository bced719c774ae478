import { defineAggregate, defineApp, defineEvent } from 'daybook';
import { FileAdded, FileDeleted } from '../../../examples/git-history/events.ts';
import { File } from '../../../examples/git-history/file.ts';

// A change with three mistakes that every unit test passes: only what is stored can tell.

const lines = { linesAdded: { type: 'integer', minimum: 0 }, linesDeleted: { type: 'integer', minimum: 0 } } as const;

/** 1. A modification surely adds a line … */
const FileModified = defineEvent({
  type: 'FileModified',
  data: {
    type: 'object',
    properties: { ...lines, linesAdded: { type: 'integer', minimum: 1 } },
    required: ['linesAdded', 'linesDeleted'],
  },
});

/** 2. A rename says its folders now, and surely every file is in one … */
const FileRenamed = defineEvent({
  type: 'FileRenamed',
  schemaVersion: 2,
  data: {
    type: 'object',
    properties: { ...lines, from: { type: 'string' }, to: { type: 'string' } },
    required: ['linesAdded', 'linesDeleted', 'from', 'to'],
  },
  upcasts: {
    1: (data) => {
      const { path, oldPath, ...rest } = data as { path: string; oldPath: string };
      const folderOf = (file: string) => /^(.+)\/[^/]+$/.exec(file)![1];
      return { ...rest, path, from: folderOf(oldPath), to: folderOf(path) };
    },
  },
});

/** 3. A better fold, and nobody thought of raising its version: loads would begin with snapshots of the old one. */
const Better = defineAggregate({
  ...File,
  foldVersion: 1,
  events: [FileAdded, FileModified, FileDeleted, FileRenamed],
  evolve: (state, event) => {
    const before = state.modifications;
    const next = File.evolve(state, event as unknown as Parameters<typeof File.evolve>[1]);
    if (event.data.linesAdded === 0) next.modifications = before;
    return next;
  },
});

export default defineApp({ name: 'git-history', aggregates: [Better] });
