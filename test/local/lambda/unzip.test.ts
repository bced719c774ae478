import { describe, expect, it } from 'vitest';
import { unzip } from '../../../local/lambda/unzip.ts';
import { zip } from './zip.ts';

const read = (archive: Buffer) =>
  Object.fromEntries([...unzip(archive)].map(({ path, content }) => [path, content.toString()]));
const files = { 'index.js': 'exports.handler = 1;', 'lib/ü.txt': 'x'.repeat(5000) };
const BROKEN = 'Could not unzip uploaded file';

describe('unzip', () => {
  it('reads stored and deflated files, behind whatever stands before or after them', () => {
    for (const method of [0, 8] as const) expect(read(zip(files, method))).toEqual(files);
    const commented = zip(files);
    commented.writeUInt16LE(3, commented.length - 2);
    expect(read(Buffer.concat([commented, Buffer.from('abc')]))).toEqual(files);
    expect(read(zip({ 'lib/': '', 'lib/a': '1' }))).toEqual({ 'lib/a': '1' });
  });

  it('refuses an archive that is empty, cut off anywhere or none at all', () => {
    expect(() => read(zip({}))).toThrow('must be a non-empty zip');
    const whole = zip(files);
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length)), String(length)).toThrow(BROKEN);
    }
  });

  it('refuses a damaged file, an unknown method, an encrypted one, and what would leave its folder', () => {
    const damaged = (find: string, offset: number, byte: number) => {
      const archive = zip({ a: 'hello' }, 0);
      archive[archive.indexOf(find, 0, 'latin1') + offset]! = byte;
      return archive;
    };
    expect(() => read(damaged('hello', 0, 74))).toThrow(BROKEN);
    expect(() => read(damaged('PK\x01\x02', 10, 12))).toThrow(BROKEN);
    expect(() => read(damaged('PK\x01\x02', 8, 1))).toThrow(BROKEN);
    for (const path of ['../a', 'a/../../b', '/etc/a', 'C:/a', 'a\\..\\b']) {
      expect(() => read(zip({ [path]: 'x' })), path).toThrow(BROKEN);
    }
  });

  it('grows no further than 250 MB, and no further than the archive claims', () => {
    const claiming = (size: number) => {
      const archive = zip({ a: Buffer.alloc(100_000) });
      archive.writeUInt32LE(size, archive.indexOf('PK\x01\x02', 0, 'latin1') + 24);
      return archive;
    };
    expect(() => read(claiming(262_144_001))).toThrow('Unzipped size must be smaller than 262144000 bytes');
    expect(() => read(claiming(10))).toThrow(BROKEN);
  });
});
