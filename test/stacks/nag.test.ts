import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { bank } from './bank-template.ts';

it('has no finding of cdk-nag’s AwsSolutions rules that is not acknowledged with its reason', {
  timeout: 300_000,
}, () => {
  const { stack } = bank();
  const { violations } = new AwsSolutionsChecks(stack.node.root).validateScope(stack);
  const findings = violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(
      (resource) =>
        `${ruleName} at ${(resource as { constructPath?: string }).constructPath ?? resource.resourceLogicalId}`,
    ),
  );
  expect(findings).toEqual([]);
});
