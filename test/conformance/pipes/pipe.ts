import * as sdk from '@aws-sdk/client-pipes';
import { clientOf } from '../client.ts';
import { eventually, uniqueName } from '../expect.ts';
import { type Inbox, withQueue } from '../lambda/function.ts';
import { roleOf } from '../role.ts';
import type { Target } from '../suite.ts';

export type Definition = Omit<sdk.CreatePipeCommandInput, 'Name' | 'RoleArn'>;
interface Made {
  readonly client: sdk.PipesClient;
  readonly Name: string;
}

/** Makes a pipe, waits until it runs, and leaves nothing behind. */
export async function piping(
  target: Target,
  definition: Definition,
  play: (made: Made) => Promise<void>,
): Promise<void> {
  const client = clientOf(target, sdk.PipesClient);
  const Name = uniqueName();
  await client.send(new sdk.CreatePipeCommand({ Name, RoleArn: roleOf(target), ...definition }));
  try {
    await until(client, Name, 'RUNNING');
    await play({ client, Name });
  } finally {
    await client.send(new sdk.DeletePipeCommand({ Name }));
  }
}

export const until = (client: sdk.PipesClient, Name: string, state: sdk.PipeState) =>
  eventually(async () => {
    const { CurrentState } = await client.send(new sdk.DescribePipeCommand({ Name }));
    return CurrentState === state ? true : undefined;
  });

/** Two queues: what is sent to the first goes through a pipe. */
export const between = (target: Target, play: (source: Inbox, sink: Inbox) => Promise<void>) =>
  withQueue(target, (source) => withQueue(target, (sink) => play(source, sink)));

export const bodies = async (inbox: Inbox, count: number) => (await inbox.take(count)).map(({ Body }) => Body).sort();
