import { createCloud, ROOT } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { startHttp } from '../../../local/host/http.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { handleS3Request } from '../../../local/s3/http.ts';
import { createS3 } from '../../../local/s3/s3.ts';

/** The embedded DynamoDB and S3 behind a port, for clients whose own CPU is measured. Its objects lie in the folder; it ends with its parent. */
const [folder = ''] = process.argv.slice(2);
const cloud = createCloud(realKernel({ seed: 1 }));
createDynamoDb(cloud);
createS3(cloud, { dir: folder });
const { endpoint } = await startHttp({
  cloud,
  roleOfAccessKey: () => undefined,
  s3: (request) => handleS3Request(request, (operation, input) => cloud.call(ROOT, 's3', operation, input)),
  defect(error) {
    console.error(error);
    process.exit(1);
  },
});
process.on('disconnect', () => process.exit());
process.send!(endpoint);
