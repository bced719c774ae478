import { type Json, ServiceError } from '../cloud.ts';
import type { Created, ResourceContext, ResourceProvider } from '../resource.ts';

const database: ResourceProvider = {
  type: 'AWS::Glue::Database',
  properties: ['CatalogId', 'DatabaseInput'],
  without: { DatabaseName: 'the name in DatabaseInput is the one that counts' },
  async create(properties: Json, { cloud, caller, generatedName }: ResourceContext): Promise<Created> {
    const input = properties.DatabaseInput;
    const Name = String(input.Name ?? properties.DatabaseName ?? generatedName).toLowerCase();
    const DatabaseInput = { ...input, Name };
    await createOr(
      () => cloud.call(caller, 'glue', 'CreateDatabase', { DatabaseInput }),
      () => cloud.call(caller, 'glue', 'UpdateDatabase', { Name, DatabaseInput }),
    );
    return { ref: Name, attributes: {} };
  },
};

/** Tables change at run time, a view with each compaction: only a template that changed changes them back. */
const table: ResourceProvider = {
  type: 'AWS::Glue::Table',
  properties: ['CatalogId', 'DatabaseName', 'TableInput', 'Name'],
  async create(properties: Json, { cloud, caller, generatedName, unchanged }: ResourceContext): Promise<Created> {
    const input = properties.TableInput;
    const Name = String(input.Name ?? properties.Name ?? generatedName).toLowerCase();
    const call = (operation: string) =>
      cloud.call(caller, 'glue', operation, {
        DatabaseName: properties.DatabaseName,
        TableInput: { ...input, Name },
        ...(operation === 'UpdateTable' && { SkipArchive: true }),
      });
    await createOr(
      () => call('CreateTable'),
      async () => unchanged ?? (await call('UpdateTable')),
    );
    return { ref: Name, attributes: {} };
  },
};

/** A runtime that starts again on the same data finds what the last start made. */
async function createOr(create: () => Promise<Json>, update: () => Promise<Json>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'AlreadyExistsException') throw error;
    await update();
  }
}

/** The resource types of Glue that a template may have here. */
export const glueResources: readonly ResourceProvider[] = [database, table];
