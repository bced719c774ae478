import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { bucketOf } from '../../../src/event/bucket.ts';

// Half of a surrogate pair is no character: both ways hash what UTF-8 puts in its place.
const anyId = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'a', 'Müller', '日本 💶', '\ud800', 'x'.repeat(10_000)),
);
const check = (bucket: (id: string) => string) =>
  fc.assert(
    fc.property(anyId, (id) => {
      expect(bucket(id)).toBe(createHash('md5').update(Buffer.from(id, 'utf8')).digest('hex')[0]);
    }),
  );

test('the first digit of the md5 of the id’s UTF-8', () => check(bucketOf));

test('on a Node without crypto.hash too', async () => {
  const used = vi.fn(createHash);
  vi.resetModules();
  vi.doMock('node:crypto', () => ({ createHash: used, hash: undefined }));
  const older = await import('../../../src/event/bucket.ts');
  vi.doUnmock('node:crypto');
  check(older.bucketOf);
  expect(used).toHaveBeenCalled();
});
