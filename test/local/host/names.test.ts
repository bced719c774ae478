import { describe, expect, it } from 'vitest';
import { generatedName } from '../../../local/host/names.ts';

describe('generated names', () => {
  it('say stack and logical id, end with twelve characters, and are the same each time', () => {
    const name = generatedName('AWS::DynamoDB::Table', 'Bank', 'EventsTable');
    expect(name).toMatch(/^Bank-EventsTable-[A-Z0-9]{12}$/);
    expect(generatedName('AWS::DynamoDB::Table', 'Bank', 'EventsTable')).toBe(name);
    expect(generatedName('AWS::DynamoDB::Table', 'Bank2', 'EventsTable')).not.toBe(name);
  });

  it.each([
    ['AWS::Lambda::Function', 64],
    ['AWS::SQS::Queue', 80],
    ['AWS::S3::Bucket', 63],
    ['AWS::Events::Rule', 64],
  ])('%s: at most %i characters, both parts still to be seen', (type, limit) => {
    const name = generatedName(type, 'A'.repeat(100), 'LogicalId'.repeat(20));
    expect(name.length).toBeLessThanOrEqual(limit);
    expect(name).toMatch(/^a{10,}-logicalid/i);
    const short = generatedName(type, 'Bank', 'LogicalId'.repeat(20));
    expect(short.length).toBe(limit);
    expect(short).toMatch(/^bank-logicalid/i);
  });

  it('are lower case for buckets, and end with .fifo for FIFO queues', () => {
    expect(generatedName('AWS::S3::Bucket', 'Bank', 'Archive')).toMatch(/^bank-archive-[a-z0-9]{12}$/);
    expect(generatedName('AWS::SQS::Queue', 'Bank', 'Q'.repeat(100), { FifoQueue: true })).toMatch(/^.{75}\.fifo$/);
  });
});
