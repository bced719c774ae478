import type { CfnTable } from 'aws-cdk-lib/aws-glue';

/** What reads Parquet; a table whose files are listed in a manifest names another input format. */
export const PARQUET_SERDE = {
  serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
};

/** A table over Parquet files below a location. */
export function parquetFiles(
  location: string,
  columns: readonly CfnTable.ColumnProperty[],
): CfnTable.StorageDescriptorProperty {
  return {
    columns: [...columns],
    location,
    inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    serdeInfo: PARQUET_SERDE,
  };
}
