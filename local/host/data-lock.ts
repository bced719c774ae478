import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostError } from './errors.ts';

/**
 * Two runtimes must not write to one folder. The lock is a socket that only a living process listens on: after `kill -9`
 * nobody answers there, and it is taken over. A process id in a file would have to be believed.
 */
export async function lockData(data: string): Promise<() => void> {
  mkdirSync(data, { recursive: true });
  const name = `daybook-${createHash('sha256').update(realpathSync(data)).digest('hex').slice(0, 24)}`;
  const path = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
  let server = await listen(path);
  if (server === undefined) {
    if (await answers(path)) throw new HostError('local.dataInUse', { data });
    rmSync(path, { force: true });
    server = await listen(path);
    if (server === undefined) throw new HostError('local.dataInUse', { data });
  }
  server.unref();
  return () => server.close();
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
