import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Construct } from 'constructs';
import { describedEvent, type EventDescription } from '../../src/archive/describe-events.ts';
import type { AnyEvent } from '../../src/event/event-definition.ts';
import { functionFolder } from './function-code.ts';

/** Loads the bundled app and writes what it says of its events; what the app prints goes to the log, not into a template. */
const DESCRIBE = `import { writeFileSync } from 'node:fs';
const [bundle, file] = process.argv.slice(1);
const { handler } = await import(bundle);
writeFileSync(file, JSON.stringify(handler()));
process.exit(0);`;

/**
 * The events of the app's aggregates and projections, each type once, in the definition's order. The app is bundled as it is for
 * the functions, and loaded in a process of its own: modules of any kind do, and nothing that it starts stays behind.
 */
export function appEvents(scope: Construct, app: string): readonly AnyEvent[] {
  const folder = resolve(functionFolder(scope, 'describe-app', app));
  const file = join(folder, 'events.json');
  try {
    const bundle = pathToFileURL(join(folder, 'index.mjs')).href;
    execFileSync(process.execPath, ['--input-type=module', '--eval', DESCRIBE, bundle, file], {
      stdio: ['ignore', 2, 'pipe'],
    });
  } catch (cause) {
    const said = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new Error(
      `${app} could not be loaded, which its tables and views are made by: it must load without the functions’ environment.\n${said}`,
      { cause },
    );
  }
  return (JSON.parse(readFileSync(file, 'utf8')) as EventDescription[]).map(describedEvent);
}
