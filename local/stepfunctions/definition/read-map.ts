import type { Template } from '../expression/template.ts';
import { DISTRIBUTED_FIELDS } from './fields.ts';
import type { DistributedMap, InputType, ItemBatcher, ItemReader, MapState, ResultWriter } from './machine.ts';
import type { FieldReader } from './reader.ts';
import type { Scope } from './scope.ts';

const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };
const DELIMITERS = { COMMA: ',', PIPE: '|', SEMICOLON: ';', SPACE: ' ', TAB: '\t' } as const;

type MapFields = Pick<MapState, 'processor' | 'items' | 'itemSelector' | 'maxConcurrency' | 'distributed'>;

export function readMap(fields: FieldReader, scope: Scope): MapFields {
  fields.require('ItemProcessor');
  const processor = fields.nested(fields.source.ItemProcessor ?? {}, 'ItemProcessor');
  const config = processor.nested(processor.source.ProcessorConfig ?? {}, 'ProcessorConfig');
  config.only(['Mode', 'ExecutionType']);
  const distributed = config.oneOf('Mode', ['INLINE', 'DISTRIBUTED']) === 'DISTRIBUTED';
  const executionType = readExecutionType(config, distributed);
  if (distributed && scope.type === 'EXPRESS') fields.fail('Express state machine does not support Distributed Map');
  if (!distributed) refuseDistributedFields(fields);
  if (fields.has('Items') && fields.has('ItemReader'))
    fields.fail("Only one of 'Items' and 'ItemReader' may be specified");
  return {
    // "Distributed Map states do not currently support referencing variables in outer scopes": theirs is a scope of its own.
    processor: (distributed ? scope.separate(executionType) : scope.inner()).readContainer(
      fields.source.ItemProcessor ?? {},
      fields.at('ItemProcessor'),
      ['ProcessorConfig', 'Comment'],
    ),
    items: readItems(fields),
    itemSelector: fields.template('ItemSelector'),
    maxConcurrency: fields.count('MaxConcurrency', COUNT),
    distributed: distributed ? readDistributed(fields, executionType) : undefined,
  };
}

function readExecutionType(config: FieldReader, distributed: boolean): 'STANDARD' | 'EXPRESS' {
  const type = config.oneOf('ExecutionType', ['STANDARD', 'EXPRESS']);
  if (distributed && !config.has('ExecutionType')) config.require('ExecutionType');
  if (!distributed && type !== undefined) config.fail("Field 'ExecutionType' is not supported", 'ExecutionType');
  return type ?? 'STANDARD';
}

function refuseDistributedFields(fields: FieldReader): void {
  for (const field of DISTRIBUTED_FIELDS) {
    if (fields.has(field))
      fields.fail(`Field '${field}' is only supported when the Mode of the ProcessorConfig is 'DISTRIBUTED'`, field);
  }
}

/** "A JSON array, JSON object, or a JSONata expression that must evaluate to an array or object." */
function readItems(fields: FieldReader): Template | undefined {
  const items = fields.template('Items');
  if (items === undefined || items.kind === 'expression') return items;
  const source = fields.source.Items;
  if (typeof source === 'object' && source !== null) return items;
  return fields.fail('Expected value of type [ARRAY] or a JSONata expression', 'Items');
}

function readDistributed(fields: FieldReader, executionType: 'STANDARD' | 'EXPRESS'): DistributedMap {
  const label = fields.string('Label');
  // "Label … must be 40 characters or less and … can't contain" white space, wildcards, brackets, special or control characters.
  if (label !== undefined && !/^[^\s?*<>{}[\]:;,\\|^~$#%&`"/\p{Cc}]{1,40}$/u.test(label)) {
    fields.fail(
      'A Label is 1 to 40 characters long, without white space, wildcards, brackets and special characters',
      'Label',
    );
  }
  return {
    executionType,
    label,
    reader: fields.has('ItemReader')
      ? readItemReader(fields.nested(fields.source.ItemReader, 'ItemReader'))
      : undefined,
    batcher: fields.has('ItemBatcher')
      ? readItemBatcher(fields.nested(fields.source.ItemBatcher, 'ItemBatcher'))
      : undefined,
    writer: fields.has('ResultWriter')
      ? readResultWriter(fields.nested(fields.source.ResultWriter, 'ResultWriter'))
      : undefined,
    toleratedFailureCount: fields.count('ToleratedFailureCount', COUNT),
    toleratedFailurePercentage: readPercentage(fields),
  };
}

function readPercentage(fields: FieldReader): Template | undefined {
  if (typeof fields.source.ToleratedFailurePercentage === 'number') {
    fields.number('ToleratedFailurePercentage', { min: 0, max: 100, whole: false });
  }
  return fields.typed('ToleratedFailurePercentage', 'number');
}

const READERS: Readonly<Record<string, ItemReader['resource']>> = {
  'arn:aws:states:::s3:getObject': 'getObject',
  'arn:aws:states:::s3:listObjectsV2': 'listObjectsV2',
};

function readItemReader(reader: FieldReader): ItemReader {
  reader.only(['Resource', 'Arguments', 'ReaderConfig']);
  reader.require('Resource', 'Arguments');
  const name = reader.string('Resource') ?? '';
  const resource = READERS[name] ?? 'getObject';
  if (reader.has('Resource') && READERS[name] === undefined)
    reader.fail(`The reader '${name}' is not supported`, 'Resource');
  const config = reader.nested(reader.source.ReaderConfig ?? {}, 'ReaderConfig');
  config.only([
    'InputType',
    'ManifestType',
    'Transformation',
    'CSVHeaderLocation',
    'CSVHeaders',
    'CSVDelimiter',
    'ItemsPointer',
    'MaxItems',
  ]);
  const inputType = config.oneOf('InputType', ['CSV', 'JSON', 'JSONL', 'PARQUET', 'MANIFEST']);
  const manifestType = config.oneOf('ManifestType', ['ATHENA_DATA', 'S3_INVENTORY']);
  const flatten = config.oneOf('Transformation', ['NONE', 'LOAD_AND_FLATTEN']) === 'LOAD_AND_FLATTEN';
  checkReader(config, { resource, inputType, manifestType, flatten });
  checkReaderArguments(reader, resource);
  const itemsPointer = config.string('ItemsPointer');
  if (itemsPointer !== undefined && (inputType !== 'JSON' || !itemsPointer.startsWith('/'))) {
    config.fail("ItemsPointer is a JSON Pointer that begins with '/', and only for the InputType JSON", 'ItemsPointer');
  }
  return {
    resource,
    arguments: reader.template('Arguments') ?? { kind: 'literal', value: {}, location: 'ItemReader/Arguments' },
    inputType,
    manifestType,
    flatten,
    csvHeaderLocation: config.oneOf('CSVHeaderLocation', ['FIRST_ROW', 'GIVEN']),
    csvHeaders: config.strings('CSVHeaders'),
    csvDelimiter: DELIMITERS[config.oneOf('CSVDelimiter', ['COMMA', 'PIPE', 'SEMICOLON', 'SPACE', 'TAB']) ?? 'COMMA'],
    itemsPointer,
    // "You can specify a limit of up to 100,000,000 after which the Distributed Map stops reading items."
    maxItems: config.count('MaxItems', { min: 1, max: 100_000_000 }),
  };
}

interface ReaderKind {
  readonly resource: ItemReader['resource'];
  readonly inputType: InputType | undefined;
  readonly manifestType: ItemReader['manifestType'];
  readonly flatten: boolean;
}

function checkReader(config: FieldReader, { resource, inputType, manifestType, flatten }: ReaderKind): void {
  const isInventory = manifestType === 'S3_INVENTORY';
  if (resource === 'getObject' && !isInventory && !config.has('InputType')) config.require('InputType');
  if (resource === 'getObject' && flatten) {
    config.fail(
      "LOAD_AND_FLATTEN is only supported with the reader 'arn:aws:states:::s3:listObjectsV2'",
      'Transformation',
    );
  }
  if (resource === 'listObjectsV2' && flatten !== (inputType !== undefined)) {
    config.fail('InputType and the Transformation LOAD_AND_FLATTEN of listed objects go together', 'InputType');
  }
  if (resource === 'listObjectsV2' && inputType === 'MANIFEST')
    config.fail('A manifest is read with s3:getObject', 'InputType');
  if (isInventory && (resource !== 'getObject' || (inputType !== undefined && inputType !== 'MANIFEST'))) {
    config.fail(
      'The manifest of an Amazon S3 inventory is read with s3:getObject, and says itself how',
      'ManifestType',
    );
  }
  // "InputType … for Athena manifests: CSV, JSONL or PARQUET": the format that UNLOAD wrote.
  if (manifestType === 'ATHENA_DATA' && !['CSV', 'JSONL', 'PARQUET'].includes(inputType ?? '')) {
    config.fail('The InputType of the data that an Athena manifest lists is one of CSV, JSONL, PARQUET', 'InputType');
  }
  if (inputType === 'CSV' && config.source.CSVHeaderLocation === undefined) config.require('CSVHeaderLocation');
  if ((config.source.CSVHeaderLocation === 'GIVEN') !== config.has('CSVHeaders')) {
    config.fail("CSVHeaders is required for the CSVHeaderLocation 'GIVEN', and only then", 'CSVHeaders');
  }
  for (const field of ['CSVHeaderLocation', 'CSVHeaders', 'CSVDelimiter']) {
    if (config.has(field) && inputType !== 'CSV')
      config.fail(`Field '${field}' is only supported for the InputType CSV`, field);
  }
}

const READER_ARGUMENTS = {
  getObject: ['Bucket', 'Key', 'VersionId', 'ExpectedBucketOwner'],
  listObjectsV2: ['Bucket', 'Prefix', 'ExpectedBucketOwner'],
};

function checkReaderArguments(reader: FieldReader, resource: ItemReader['resource']): void {
  if (typeof reader.source.Arguments === 'string') return;
  const args = reader.nested(reader.source.Arguments ?? {}, 'Arguments');
  args.only(READER_ARGUMENTS[resource]);
  args.require(...(resource === 'getObject' ? ['Bucket', 'Key'] : ['Bucket']));
}

function readItemBatcher(batcher: FieldReader): ItemBatcher {
  batcher.only(['MaxItemsPerBatch', 'MaxInputBytesPerBatch', 'BatchInput']);
  if (!batcher.has('MaxItemsPerBatch') && !batcher.has('MaxInputBytesPerBatch')) {
    batcher.fail("At least one of these fields is required: ['MaxItemsPerBatch', 'MaxInputBytesPerBatch']");
  }
  return {
    maxItems: batcher.count('MaxItemsPerBatch', { min: 1, max: 100_000_000 }),
    maxBytes: batcher.count('MaxInputBytesPerBatch', { min: 1, max: 262_144 }),
    batchInput: batcher.typed('BatchInput', 'object'),
  };
}

function readResultWriter(writer: FieldReader): ResultWriter {
  writer.only(['Resource', 'Arguments', 'WriterConfig']);
  const resource = writer.string('Resource');
  if (resource !== undefined && resource !== 'arn:aws:states:::s3:putObject') {
    writer.fail(`The writer '${resource}' is not supported`, 'Resource');
  }
  // "The ResultWriter field cannot be empty. You must specify one of these sets of sub-fields": WriterConfig, or Resource
  // and Parameters, or all three.
  if (writer.has('Resource') !== writer.has('Arguments') || !(writer.has('Resource') || writer.has('WriterConfig'))) {
    writer.fail("A ResultWriter has 'WriterConfig', or 'Resource' and 'Arguments', or all three");
  }
  if (typeof writer.source.Arguments === 'object') {
    const args = writer.nested(writer.source.Arguments, 'Arguments');
    args.only(['Bucket', 'Prefix', 'ExpectedBucketOwner']);
    args.require('Bucket');
  }
  const config = writer.nested(writer.source.WriterConfig ?? {}, 'WriterConfig');
  config.only(['Transformation', 'OutputType']);
  if (writer.has('WriterConfig')) config.require('Transformation', 'OutputType');
  return {
    arguments: writer.template('Arguments'),
    transformation: config.oneOf('Transformation', ['NONE', 'COMPACT', 'FLATTEN']) ?? 'NONE',
    outputType: config.oneOf('OutputType', ['JSON', 'JSONL']) ?? 'JSON',
  };
}
