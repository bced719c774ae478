import { DaybookError } from '../errors.ts';
import { IS } from './compile-json-schema.ts';
import type { JsonSchema } from './json-schema.ts';
import { escapePointer } from './json-value.ts';
import { SHAPES } from './text-formats.ts';

type Report = (path: string, problem: string) => never;
type Check = (value: unknown, path: string, report: Report) => void;

const schemaList: Check = (value, path, report) => {
  if (!Array.isArray(value) || value.length === 0) report(path, 'must be a list with at least one schema');
  for (const [i, schema] of (value as unknown[]).entries()) checkAt(schema, `${path}/${i}`, report);
};
const schemas: Check = (value, path, report) => {
  if (!IS.object(value)) report(path, 'must be an object of schemas');
  for (const [name, schema] of Object.entries(value as object)) {
    checkAt(schema, `${path}/${escapePointer(name)}`, report);
  }
};
const count: Check = (value, path, report) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) report(path, 'must be 0, 1, 2 …');
};
const number: Check = (value, path, report) => {
  if (!Number.isFinite(value)) report(path, 'must be a number');
};
const text: Check = (value, path, report) => {
  if (typeof value !== 'string') report(path, 'must be text');
};
const anything: Check = () => {};

/** One check per keyword: what is not here is not supported, and said so. */
const KEYWORDS: Readonly<Record<keyof JsonSchema, Check>> = {
  type(value, path, report) {
    const types = Array.isArray(value) ? value : [value];
    if (types.length === 0) report(path, 'must name at least one type');
    for (const type of types) {
      if (!isKey(IS, type)) report(path, `${JSON.stringify(type)} is no type; there are ${Object.keys(IS).join(', ')}`);
    }
  },
  enum(value, path, report) {
    if (!Array.isArray(value) || value.length === 0) report(path, 'must be a list with at least one value');
  },
  const: anything,
  anyOf: schemaList,
  oneOf: schemaList,
  allOf: schemaList,
  not: (value, path, report) => checkAt(value, path, report),
  properties: schemas,
  required(value, path, report) {
    if (!Array.isArray(value) || value.some((name) => typeof name !== 'string'))
      report(path, 'must be a list of names');
  },
  patternProperties(value, path, report) {
    schemas(value, path, report);
    for (const source of Object.keys(value as object)) checkPattern(source, `${path}/${escapePointer(source)}`, report);
  },
  minProperties: count,
  maxProperties: count,
  additionalProperties(value, path, report) {
    if (typeof value !== 'boolean') checkAt(value, path, report);
  },
  items: (value, path, report) => checkAt(value, path, report),
  minItems: count,
  maxItems: count,
  uniqueItems(value, path, report) {
    if (typeof value !== 'boolean') report(path, 'must be true or false');
  },
  minLength: count,
  maxLength: count,
  pattern(value, path, report) {
    checkPattern(value, path, report);
    text(value, path, report);
  },
  format(value, path, report) {
    if (!isKey(SHAPES, value)) {
      const formats = Object.keys(SHAPES).join(', ');
      report(path, `${JSON.stringify(value)} is not a format that is checked; there are ${formats}`);
    }
  },
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf(value, path, report) {
    if (!Number.isFinite(value) || (value as number) <= 0) report(path, 'must be a number above 0');
  },
  title: text,
  description: text,
  default: anything,
  examples: anything,
  $schema: text,
  $id: text,
  $comment: text,
};

function checkPattern(value: unknown, path: string, report: Report): void {
  try {
    new RegExp(value as string, 'u');
  } catch (error) {
    report(path, `${JSON.stringify(value)} is no regular expression: ${(error as Error).message}`);
  }
}

/** Refuses, by its path and name, every keyword that is not supported and every value that a keyword cannot have. */
export function checkJsonSchema(schema: JsonSchema, event: string, part: 'data' | 'metadata'): void {
  checkAt(schema, part, (path, problem) => {
    throw new DaybookError('definition.badSchema', { event, path, problem });
  });
}

function checkAt(schema: unknown, path: string, report: Report): void {
  if (!IS.object(schema)) report(path, 'a schema is an object of keywords');
  for (const [keyword, value] of Object.entries(schema as object)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(KEYWORDS, keyword)) {
      report(`${path}/${escapePointer(keyword)}`, `the keyword ${keyword} is not supported`);
    }
    KEYWORDS[keyword as keyof JsonSchema](value, `${path}/${keyword}`, report);
  }
}

function isKey(of: object, value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(of, value);
}
