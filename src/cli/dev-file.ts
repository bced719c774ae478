import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `daybook dev` leaves in `.daybook/dev.json` while it runs, so that other commands in this folder find it. */
export interface DevFile {
  readonly endpoint: string;
  readonly region: string;
  readonly pid: number;
  readonly stacks: Readonly<Record<string, DevStack>>;
}

export interface DevStack {
  readonly outputs: Readonly<Record<string, string>>;
  /** Physical names by logical id. */
  readonly resources: Readonly<Record<string, string>>;
  /** Physical names by construct path. */
  readonly paths: Readonly<Record<string, string>>;
}

const fileIn = (directory: string) => join(directory, '.daybook', 'dev.json');

export function writeDevFile(content: DevFile, directory: string = process.cwd()): void {
  mkdirSync(join(directory, '.daybook'), { recursive: true });
  writeFileSync(fileIn(directory), `${JSON.stringify(content, null, 2)}\n`);
}

/** The running `daybook dev` of a folder; undefined when there is none, or only the file of one that was killed. */
export function readDevFile(directory: string = process.cwd()): DevFile | undefined {
  if (!existsSync(fileIn(directory))) return undefined;
  const content: DevFile = JSON.parse(readFileSync(fileIn(directory), 'utf8'));
  return isAlive(content.pid) ? content : undefined;
}

/** Removes the file, unless another process has taken its place. */
export function removeDevFile(directory: string = process.cwd()): void {
  if (!existsSync(fileIn(directory))) return;
  const { pid }: DevFile = JSON.parse(readFileSync(fileIn(directory), 'utf8'));
  if (pid === process.pid) rmSync(fileIn(directory), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
