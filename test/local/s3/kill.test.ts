import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createS3 } from '../../../local/s3/s3.ts';
import { nodeProgram } from '../../node-program.ts';

/** Runs the writer and kills it in the middle; gives what it said. */
async function writeAndKill(dir: string, afterLines: number): Promise<string[]> {
  const args = [...(await nodeProgram('test/local/s3/put-until-killed.ts')), dir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
      if (said.split('\n').length > afterLines) child.kill('SIGKILL');
    });
    child.on('close', () => resolve());
  });
  // Without the line that may be cut.
  return said.slice(0, said.lastIndexOf('\n')).split('\n');
}

it('after kill -9 every acknowledged object is whole, and one that was under way is there or not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'daybook-s3-kill-'));
  try {
    for (const afterLines of [150, 400]) {
      const acknowledged = new Map<string, number>();
      let open: [string, number] | undefined;
      for (const line of await writeAndKill(dir, afterLines)) {
        const [what, key = '', i] = line.split(' ');
        if (what === 'try') open = [key, Number(i)];
        else {
          acknowledged.set(key, Number(i));
          open = undefined;
        }
      }
      const cloud = createCloud(realKernel());
      const s3 = createS3(cloud, { dir });
      for (const [Key, i] of acknowledged) {
        const candidates = open?.[0] === Key ? [i, open[1]] : [i];
        const found = await cloud
          .call(ROOT, 's3', 'GetObject', { Bucket: 'box', Key })
          .catch((error: Json) => error.code);
        const writer = found === 'NoSuchKey' ? undefined : Number(found.Body.toString().split(' ')[0]);
        // Every fifth call deletes.
        const possible = candidates.map((one) => (one % 5 === 4 ? undefined : one));
        expect(possible, `${Key} after ${i}`).toContain(writer);
        if (writer === undefined) continue;
        expect(found.Body.toString()).toBe(`${writer} `.repeat(1 + ((writer * 131) % 4000)));
        expect(found.ETag).toBe(`"${createHash('md5').update(found.Body).digest('hex')}"`);
      }
      s3.close();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
