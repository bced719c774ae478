import { defineApp } from 'daybook';
import { File } from './file.ts';
import { churnByAuthorAndMonth, churnByMonth, files } from './projections.ts';

export default defineApp({
  name: 'git-history',
  aggregates: [File],
  projections: [files, churnByMonth, churnByAuthorAndMonth],
});
