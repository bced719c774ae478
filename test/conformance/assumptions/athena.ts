import { AthenaClient, GetQueryExecutionCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { withBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { eventually, same } from '../expect.ts';
import type { Case } from '../suite.ts';

export const athena: readonly Case[] = [
  {
    name: 'execution parameters are literals',
    says: "assumed: the documentation's examples are",
    costs: { makes: 'a bucket for results, two queries that scan nothing', dollars: 0.00003 },
    run: (target) =>
      withBucket(target, async ({ Bucket }) => {
        const client = clientOf(target, AthenaClient);
        const ends = async (parameter: string): Promise<string | undefined> => {
          const { QueryExecutionId } = await client.send(
            new StartQueryExecutionCommand({
              QueryString: 'SELECT ? AS x',
              ExecutionParameters: [parameter],
              ResultConfiguration: { OutputLocation: `s3://${Bucket}/` },
            }),
          );
          return eventually(async () => {
            const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
            const state = QueryExecution?.Status?.State;
            return state === 'QUEUED' || state === 'RUNNING' ? undefined : state;
          });
        };
        const bare = await ends('text').catch(({ name }) => name);
        same([await ends("'text'"), bare === 'SUCCEEDED'], ['SUCCEEDED', false]);
      }),
  },
];
