import { type AthenaClient, GetTableMetadataCommand } from '@aws-sdk/client-athena';
import { CURRENT_VIEW, type CurrentGeneration, GENERATION_PARAMETER, NO_GENERATION } from '../archive/generation.ts';

/**
 * The current generation as Glue's table of the view `events_current` says it. Asked by way of Athena's GetTableMetadata,
 * which answers with the Glue table's own parameters and needs `glue:GetTable` on it.
 */
export function athenaCurrentGeneration(options: { client: AthenaClient; database: string }): CurrentGeneration {
  const { client, database: DatabaseName } = options;
  return async () => {
    const { TableMetadata } = await client.send(
      new GetTableMetadataCommand({ CatalogName: 'AwsDataCatalog', DatabaseName, TableName: CURRENT_VIEW }),
    );
    return TableMetadata?.Parameters?.[GENERATION_PARAMETER] ?? NO_GENERATION;
  };
}
