import { describe, expect, it } from 'vitest';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';

describe.each([{ promisesOnly: false }, { promisesOnly: true }])('virtual time %o', (options) => {
  it('goes on only when all promises of a task have settled, one started by another too', async () => {
    const { clock, scheduler, run } = virtualKernel({ seed: 1, startMs: 0, ...options });
    const seen: string[] = [];
    const note = (what: string) => seen.push(`${clock.now()} ${what}`);
    scheduler.after(5, async () => {
      note('begins');
      for (let i = 0; i < 50; i++) await Promise.resolve();
      note('ends');
      void Promise.all([null, Promise.resolve()]).then(async () => {
        for (let i = 0; i < 50; i++) await null;
        note('is followed');
        await scheduler.sleep(10);
        note('has slept');
      });
    });
    scheduler.after(6, () => note('is next'));
    scheduler.after(5, () => note('is second')).cancel();
    await run(20);
    expect(seen).toEqual(['5 begins', '5 ends', '5 is followed', '6 is next', '15 has slept']);
    expect(clock.now()).toBe(20);
  });

  it('ends with the failure of a task, whether it throws at once or later', async () => {
    for (const fail of [
      () => {
        throw new Error('broken');
      },
      async () => {
        await Promise.resolve();
        throw new Error('broken');
      },
    ]) {
      const { scheduler, run } = virtualKernel({ seed: 1, ...options });
      scheduler.after(1, fail);
      scheduler.after(2, () => expect.unreachable());
      await expect(run(Date.UTC(2026, 0, 1) + 10)).rejects.toThrow('broken');
    }
  });
});
