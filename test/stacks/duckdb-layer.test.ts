import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { duckdbLayer } from '../../stacks/constructs/duckdb-layer.ts';

describe('the layer with DuckDB', () => {
  it('is another asset where DuckDB is left out: whoever deployed such an assembly would keep an empty layer', () => {
    expect(keyOfLayer({ 'daybook:local': true })).not.toBe(keyOfLayer({}));
  });

  it('is the same asset from every machine', () => {
    expect(keyOfLayer({})).toBe(keyOfLayer({}));
  });
});

/** Where the layer's content lies, without bundling it: nothing is downloaded. */
function keyOfLayer(context: Record<string, unknown>): string {
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Layers');
  duckdbLayer(stack);
  const layers = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::LayerVersion'));
  expect(layers).toHaveLength(1);
  return layers[0]!.Properties.Content.S3Key;
}
