import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NO_GENERATION } from '../../../src/archive/generation.ts';
import { verify } from '../../../src/archive/verify.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { benchEvent } from '../archive-events.ts';

/** Compares an archive in a folder with generated events, and tells its parent what memory that took. */
const [archive = '', work = '', count = '0', aggregates = '1'] = process.argv.slice(2);
const events = Number(count);
mkdirSync(work, { recursive: true });
let resident = 0;
const look = setInterval(() => {
  resident = Math.max(resident, process.memoryUsage().rss);
}, 20);

const report = await verify(
  {
    cold: {
      currentGeneration: async () => NO_GENERATION,
      files: {
        async *list(prefix) {
          if (!existsSync(join(archive, prefix))) return;
          for (const name of readdirSync(join(archive, prefix), { recursive: true, encoding: 'utf8' }).sort()) {
            const path = join(archive, prefix, name);
            if (statSync(path).isFile()) yield [{ key: prefix + name, bytes: statSync(path).size }];
          }
        },
        readText: async () => {
          throw new Error('nothing is read');
        },
        writeText: async () => {},
        writeBytes: async () => {},
        copyPart: async () => {
          throw new Error('files are copied whole');
        },
        async download(key, path) {
          copyFileSync(join(archive, key), path);
          return statSync(path).size;
        },
      },
    },
    hot: {
      async *pages() {
        for (let i = 0; i < events; i += 2000) {
          const page: StoredEvent[] = [];
          for (let n = i; n < Math.min(i + 2000, events); n++) page.push(benchEvent(n, Number(aggregates)));
          yield { events: page, unreadable: [] };
          await new Promise(setImmediate);
        }
      },
    },
    table: { query: async function* () {} },
    now: Date.now,
  },
  { folder: work },
);
clearInterval(look);
process.send!({ resident, events: report.events, archived: report.archived, complete: report.complete });
process.disconnect();
