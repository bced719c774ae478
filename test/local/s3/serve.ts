import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Cloud, ROOT } from '../../../local/cloud.ts';
import { handleS3Request } from '../../../local/s3/http.ts';

/** Serves S3's protocol by itself, as the runtime's front does for all services. */
export async function serveS3(cloud: Cloud): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
      const answer = await handleS3Request(
        { method: request.method ?? 'GET', path, query, headers: request.headers, body: Buffer.concat(chunks) },
        (operation, input) => cloud.call(ROOT, 's3', operation, input),
      );
      response.writeHead(answer.status, answer.headers);
      response.end(request.method === 'HEAD' ? undefined : answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
