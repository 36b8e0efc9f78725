import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { inject } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';

export const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
export const rootPem = readFileSync(`${examples}root_ca.crt`, 'utf8');

/** The least that deploys. */
export const config = {
  profiles: { internal: { ca: { type: 'step-ca', url: 'https://ca.example:9000', root: rootPem } } },
} satisfies CertRenewerProps;

const outdir = inject('cdkFolder');

/**
 * The feature flags of cdk.json, as the CLI would give them. The CDK's own look at the template, half of a synthesis, is left
 * out: by these flags it fails nothing. app.test.ts has it, and sees that it says nothing.
 */
export function newApp(): App {
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  return new App({ context, outdir, builtinCloudFormationValidation: false });
}

/** A stack with these options beside (or in place of) the least ones. */
export function synthesize(options: Partial<CertRenewerProps> = {}): { stack: CertRenewerStack; template: Template } {
  const stack = new CertRenewerStack(newApp(), 'CertRenewer', { config: { ...config, ...options } });
  return { stack, template: Template.fromStack(stack) };
}
