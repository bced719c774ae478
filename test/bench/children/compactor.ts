import { compactBucket } from '../../../src/archive/compact-bucket.ts';
import { BANK_BUCKET, BANK_COLUMNS } from '../bank-year.ts';
import { folderFiles } from '../folder-files.ts';

/** Compacts one bucket in a process of its own, with little memory for DuckDB, and says what the process held at most. */
const [folder = '', list = ''] = process.argv.slice(2);
await compactBucket(
  folderFiles(folder),
  { generation: 'memory' },
  { bucket: BANK_BUCKET, list },
  {
    columns: BANK_COLUMNS,
    memoryLimit: 256,
    threads: 1,
  },
);
process.send?.({ resident: process.resourceUsage().maxRSS / 1024 });
