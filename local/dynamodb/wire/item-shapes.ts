import { any, boolean, list, type Member, map, number, oneOf, optional, required, string, structure } from './shape.ts';

type Members = Readonly<Record<string, Member>>;

/** "You can also provide the Amazon Resource Name (ARN) of the table in this parameter" (API reference). */
export const TABLE_NAME = string(1, 1024);
export const INDEX_NAME = string(3, 255, '[a-zA-Z0-9_.-]+');
const CAPACITY = optional(oneOf('INDEXES', 'TOTAL', 'NONE'));
const METRICS = optional(oneOf('SIZE', 'NONE'));
const ON_FAILURE = optional(oneOf('ALL_OLD', 'NONE'));
const RETURN_VALUES = optional(oneOf('NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'));
const CONDITIONAL_OPERATOR = optional(oneOf('AND', 'OR'));
const ATTRIBUTES_TO_GET = optional(list(string(undefined, 65535), 1));
const ATTRIBUTES = map(any);
const NAMES = optional(map(string()));
const VALUES = optional(map(any));
const OPERATORS = oneOf(
  'EQ',
  'NE',
  'IN',
  'LE',
  'LT',
  'GE',
  'GT',
  'BETWEEN',
  'NOT_NULL',
  'NULL',
  'CONTAINS',
  'NOT_CONTAINS',
  'BEGINS_WITH',
);
const CONDITIONS = optional(
  map(structure({ AttributeValueList: optional(list(any)), ComparisonOperator: required(OPERATORS) })),
);
const EXPECTED = optional(
  map(
    structure({
      Value: optional(any),
      Exists: optional(boolean),
      ComparisonOperator: optional(OPERATORS),
      AttributeValueList: optional(list(any)),
    }),
  ),
);

const WRITE: Members = {
  TableName: required(TABLE_NAME),
  Expected: EXPECTED,
  ConditionalOperator: CONDITIONAL_OPERATOR,
  ReturnValues: RETURN_VALUES,
  ReturnConsumedCapacity: CAPACITY,
  ReturnItemCollectionMetrics: METRICS,
  ConditionExpression: optional(string()),
  ExpressionAttributeNames: NAMES,
  ExpressionAttributeValues: VALUES,
  ReturnValuesOnConditionCheckFailure: ON_FAILURE,
};

const READ_MANY: Members = {
  TableName: required(TABLE_NAME),
  IndexName: optional(INDEX_NAME),
  Select: optional(oneOf('ALL_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES', 'SPECIFIC_ATTRIBUTES', 'COUNT')),
  AttributesToGet: ATTRIBUTES_TO_GET,
  Limit: optional(number(1)),
  ConsistentRead: optional(boolean),
  ConditionalOperator: CONDITIONAL_OPERATOR,
  ExclusiveStartKey: optional(ATTRIBUTES),
  ReturnConsumedCapacity: CAPACITY,
  ProjectionExpression: optional(string()),
  FilterExpression: optional(string()),
  ExpressionAttributeNames: NAMES,
  ExpressionAttributeValues: VALUES,
};

const CONDITIONAL: Members = {
  TableName: required(TABLE_NAME),
  ConditionExpression: optional(string()),
  ExpressionAttributeNames: NAMES,
  ExpressionAttributeValues: VALUES,
  ReturnValuesOnConditionCheckFailure: ON_FAILURE,
};

/** The inputs of the operations on items, after the API reference's service model. */
export const ITEM_INPUTS = {
  PutItem: { ...WRITE, Item: required(ATTRIBUTES) },
  DeleteItem: { ...WRITE, Key: required(ATTRIBUTES) },
  UpdateItem: {
    ...WRITE,
    Key: required(ATTRIBUTES),
    AttributeUpdates: optional(map(structure({ Value: optional(any), Action: optional(string()) }))),
    UpdateExpression: optional(string()),
  },
  GetItem: {
    TableName: required(TABLE_NAME),
    Key: required(ATTRIBUTES),
    AttributesToGet: ATTRIBUTES_TO_GET,
    ConsistentRead: optional(boolean),
    ReturnConsumedCapacity: CAPACITY,
    ProjectionExpression: optional(string()),
    ExpressionAttributeNames: NAMES,
  },
  Query: {
    ...READ_MANY,
    KeyConditions: CONDITIONS,
    QueryFilter: CONDITIONS,
    ScanIndexForward: optional(boolean),
    KeyConditionExpression: optional(string()),
  },
  Scan: {
    ...READ_MANY,
    ScanFilter: CONDITIONS,
    TotalSegments: optional(number(1, 1_000_000)),
    Segment: optional(number(0, 999_999)),
  },
  BatchGetItem: {
    RequestItems: required(
      map(
        structure({
          Keys: required(list(ATTRIBUTES, 1)),
          AttributesToGet: ATTRIBUTES_TO_GET,
          ConsistentRead: optional(boolean),
          ProjectionExpression: optional(string()),
          ExpressionAttributeNames: NAMES,
        }),
        1,
        100,
        TABLE_NAME,
      ),
    ),
    ReturnConsumedCapacity: CAPACITY,
  },
  BatchWriteItem: {
    RequestItems: required(
      map(
        list(
          structure({
            PutRequest: optional(structure({ Item: required(ATTRIBUTES) })),
            DeleteRequest: optional(structure({ Key: required(ATTRIBUTES) })),
          }),
          1,
        ),
        1,
        25,
        TABLE_NAME,
      ),
    ),
    ReturnConsumedCapacity: CAPACITY,
    ReturnItemCollectionMetrics: METRICS,
  },
  TransactWriteItems: {
    TransactItems: required(
      list(
        structure({
          ConditionCheck: optional(
            structure({ ...CONDITIONAL, Key: required(ATTRIBUTES), ConditionExpression: required(string()) }),
          ),
          Put: optional(structure({ ...CONDITIONAL, Item: required(ATTRIBUTES) })),
          Delete: optional(structure({ ...CONDITIONAL, Key: required(ATTRIBUTES) })),
          Update: optional(
            structure({ ...CONDITIONAL, Key: required(ATTRIBUTES), UpdateExpression: required(string()) }),
          ),
        }),
        1,
        100,
      ),
    ),
    ReturnConsumedCapacity: CAPACITY,
    ReturnItemCollectionMetrics: METRICS,
    ClientRequestToken: optional(string(1, 36)),
  },
  TransactGetItems: {
    TransactItems: required(
      list(
        structure({
          Get: required(
            structure({
              TableName: required(TABLE_NAME),
              Key: required(ATTRIBUTES),
              ProjectionExpression: optional(string()),
              ExpressionAttributeNames: NAMES,
            }),
          ),
        }),
        1,
        100,
      ),
    ),
    ReturnConsumedCapacity: CAPACITY,
  },
} as const satisfies Record<string, Members>;
