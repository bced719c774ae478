import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { HostError } from './errors.ts';

export interface LoopbackPort {
  readonly port: number;
  /** Closes the port and cuts off what is connected. */
  close(): Promise<void>;
}

/** How an HTTP/2 connection without TLS begins (RFC 9113, section 3.4). */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0');

/**
 * Listens on 127.0.0.1 only, HTTP/1.1 and HTTP/2 on the same port: the JavaScript SDK calls Kinesis over HTTP/2, without
 * TLS when the endpoint says `http:`.
 */
export async function openLoopbackPort(port: number, listener: RequestListener): Promise<LoopbackPort> {
  const http = createHttpServer(listener);
  // Longer than the clients' own idle time, so that they and not the server close: otherwise a request can meet a closing socket.
  http.keepAliveTimeout = 75_000;
  http.headersTimeout = 80_000;
  http.requestTimeout = 0;
  // The compatibility API: what `listener` uses of both is the same.
  const http2 = createHttp2Server(
    listener as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  );
  http2.on('sessionError', () => {}); // a client that went away; its requests fail by themselves

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const begin = first.subarray(0, HTTP2_PREFACE.length);
      const isHttp2 = begin.equals(HTTP2_PREFACE.subarray(0, begin.length)) && begin.length > 3; // no method begins with "PRI "
      (isHttp2 ? http2 : http).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'something else listens there' : cause.message;
      reject(new HostError('local.port', { port, reason }, { cause }));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
