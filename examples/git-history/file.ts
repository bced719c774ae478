import { defineAggregate } from 'daybook';
import { FileAdded, FileDeleted, FileModified, FileRenamed } from './events.ts';

export interface FileState {
  exists: boolean;
  path: string;
  linesAdded: number;
  linesDeleted: number;
  adds: number;
  modifications: number;
  renames: number;
  deletes: number;
  /** Distinct, in the order of their first change. */
  authors: string[];
  lastCommit: string;
  lastOccurredAt: string;
}

/** A file of the repository; it stays the same file through renames. */
export const File = defineAggregate({
  type: 'File',
  events: [FileAdded, FileModified, FileDeleted, FileRenamed],
  initialState: (): FileState => ({
    exists: false,
    path: '',
    linesAdded: 0,
    linesDeleted: 0,
    adds: 0,
    modifications: 0,
    renames: 0,
    deletes: 0,
    authors: [],
    lastCommit: '',
    lastOccurredAt: '',
  }),
  evolve: (state, event): FileState => {
    const { data } = event;
    state.exists = event.type !== 'FileDeleted';
    state.path = data.path;
    state.linesAdded += data.linesAdded;
    state.linesDeleted += data.linesDeleted;
    if (event.type === 'FileAdded') state.adds++;
    else if (event.type === 'FileModified') state.modifications++;
    else if (event.type === 'FileRenamed') state.renames++;
    else state.deletes++;
    if (!state.authors.includes(data.authorHash)) state.authors.push(data.authorHash);
    state.lastCommit = data.commit;
    state.lastOccurredAt = event.occurredAt;
    return state;
  },
});
