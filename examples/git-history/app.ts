import { defineApp } from 'daybook';
import { File } from './file.ts';
import { churnByAuthor, churnByMonth, files } from './projections.ts';

export default defineApp({
  name: 'git-history',
  aggregates: [File],
  projections: [files, churnByMonth, churnByAuthor],
});
