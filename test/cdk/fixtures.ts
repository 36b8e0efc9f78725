import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { inject } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';

export const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
export const rootPem = readFileSync(`${examples}root_ca.crt`, 'utf8');

/** The smallest configuration that deploys. */
export const config = {
  profiles: { internal: { ca: { type: 'step-ca', url: 'https://ca.example:9000', root: rootPem } } },
} satisfies CertRenewerProps;

const outdir = inject('cdkFolder');

/**
 * The feature flags of cdk.json, as the CDK's command line passes them. The CDK's own check of the template takes half of a
 * synthesis and is off, as in cdk/app.ts. app.test.ts runs it once, and checks that it reports nothing.
 */
export function newApp(): App {
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  // A tree.json and stack traces in metadata, which no test reads, are a quarter of a synthesis.
  return new App({ context, outdir, builtinCloudFormationValidation: false, treeMetadata: false, stackTraces: false });
}

/** Synthesises a stack with these options, added to the smallest ones. */
export function synthesize(options: Partial<CertRenewerProps> = {}): { stack: CertRenewerStack; template: Template } {
  const stack = new CertRenewerStack(newApp(), 'CertRenewer', { config: { ...config, ...options } });
  return { stack, template: Template.fromStack(stack) };
}
