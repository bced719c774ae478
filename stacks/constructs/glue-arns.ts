import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** What a call on a table needs a grant for: "all ancestors" too, the catalog and the database (Glue's resource ARNs). */
export function glueTableArns(scope: Construct, databaseName: string, tables: readonly string[]): string[] {
  const stack = Stack.of(scope);
  return [
    stack.formatArn({ service: 'glue', resource: 'catalog', arnFormat: ArnFormat.NO_RESOURCE_NAME }),
    stack.formatArn({ service: 'glue', resource: 'database', resourceName: databaseName }),
    ...tables.map((table) =>
      stack.formatArn({ service: 'glue', resource: 'table', resourceName: `${databaseName}/${table}` }),
    ),
  ];
}
