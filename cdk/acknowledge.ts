import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Tells cdk-nag why a rule does not apply to a construct. Nothing else depends on it. The CDK takes the rules of cdk-nag from
 * version 2.270 on; with an earlier one the reason is left out.
 */
export function acknowledge(scope: IConstruct, id: string, reason: string): void {
  // Read at run time: as a named import it would keep the package from loading beside a CDK that lacks it.
  const validations: typeof cdk.Validations | undefined = Reflect.get(cdk, 'Validations');
  try {
    validations?.of(scope).acknowledge({ id, reason });
  } catch (thrown) {
    if (!/Invalid validation rule ID/.test(String(thrown))) throw thrown;
  }
}
