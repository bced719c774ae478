import { deflateRawSync } from 'node:zlib';
import { checksumOf } from '../../../local/s3/checksums.ts';

/** A .zip archive as any tool makes it: each file deflated, or stored where that is asked for. */
export function zip(files: Readonly<Record<string, string | Buffer>>, method: 0 | 8 = 8): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  for (const [path, given] of Object.entries(files)) {
    const name = Buffer.from(path);
    const content = Buffer.from(given);
    const packed = method === 0 ? content : deflateRawSync(content);
    const common = Buffer.alloc(26); // from the version to the length of the extra field, as both headers have it
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2); // names in UTF-8
    common.writeUInt16LE(method, 4);
    Buffer.from(checksumOf('CRC32', content), 'base64').swap32().copy(common, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    const made = Buffer.from([20, 0]);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    locals.push(local);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02'), made, common, tail, name]));
    at += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(centrals.length, 8);
  end.writeUInt16LE(centrals.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}
