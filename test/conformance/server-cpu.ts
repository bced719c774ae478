import { readFileSync } from 'node:fs';

/** Milliseconds of CPU, user and system, that the process has spent; clock ticks are 10 ms. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
