/** The assemblies that the judges judge: of each example, and of configurations of the largest supported sizes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { vi } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { readConfigFile } from '../../cdk/config/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { examples, newApp } from '../cdk/fixtures.ts';
import { bearer, everyOption, largeConfig } from '../support/large-config.ts';
import type { Assembly, Template } from './assembly.ts';

const example = (file: string) => (): CertRenewerProps => readConfigFile(`${examples}${file}`);

const configurations: Readonly<Record<string, () => CertRenewerProps>> = {
  'examples/cert-renewer.json': example('cert-renewer.json'),
  'examples/acme.json': example('acme.json'),
  'examples/declared.json': example('declared.json'),
  'examples/hooks.json': example('hooks.json'),
  'examples/authorities.json': example('authorities.json'),
  'examples/infisical.json': example('infisical.json'),
  '10 profiles with hooks': () => largeConfig(10),
  '12 authorities': () => largeConfig(12, { authorities: 12, hooks: false, more: { caApi: bearer } }),
  '150 profiles with hooks, 12 authorities and every option': () =>
    largeConfig(150, { authorities: 12, more: { ...everyOption, caApi: bearer } }),
};

export const names: readonly string[] = ['examples/own-app', ...Object.keys(configurations)];

/** @throws the error of the synthesis, if the configuration is invalid. */
export async function synthesised(name: string): Promise<Assembly> {
  const configuration = configurations[name];
  if (configuration) return assemblyOf(name, appOf(configuration()));
  return ownApp(name);
}

/**
 * The CDK's default settings, which a user's app has too. Paths make a template longer. The version report (off in our
 * cdk.json) adds a resource to each stack, nested ones too.
 */
const ofCommandLine = {
  'aws:cdk:enable-path-metadata': true,
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:version-reporting': true,
};

/** Switches off the CDK's own limit of resources: the judges count them and report everything else too. */
function appOf(config: CertRenewerProps): App {
  const app = newApp();
  for (const [name, value] of Object.entries({ ...ofCommandLine, '@aws-cdk/core:stackResourceLimit': 0 })) {
    app.node.setContext(name, value);
  }
  new CertRenewerStack(app, 'CertRenewer', { config });
  return app;
}

/**
 * This program makes its own App. It takes the settings of newApp() from the environment, as under the CDK's command line. The
 * synthesis reads them too: without them the CDK's own check of the template would be a quarter of the work of this folder.
 */
async function ownApp(name: string): Promise<Assembly> {
  const { outdir } = newApp();
  vi.stubEnv('CDK_OUTDIR', outdir);
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ ...context, ...ofCommandLine }));
  vi.stubEnv('CDK_VALIDATION', 'false');
  try {
    const { stack } = await import('../../examples/own-app/app.ts');
    return assemblyOf(name, stack.node.root);
  } finally {
    vi.unstubAllEnvs();
  }
}

function assemblyOf(name: string, app: IConstruct): Assembly {
  if (!App.isApp(app)) throw new Error(`${name} is no app of the CDK`);
  const { directory } = app.synth();
  const made = new Map<Stack, Template>();
  // A parent comes before its nested stacks.
  for (const stack of app.node.findAll().filter((each): each is Stack => Stack.isStack(each))) {
    const text = readFileSync(join(directory, stack.templateFile), 'utf8');
    const parent = stack.nestedStackParent && made.get(stack.nestedStackParent);
    const id = stack.nestedStackResource && stack.getLogicalId(stack.nestedStackResource as never);
    made.set(stack, {
      file: stack.templateFile,
      text,
      body: JSON.parse(text),
      ...(parent && id !== undefined && { nestedIn: { parent, id } }),
    });
  }
  return { name, templates: [...made.values()] };
}
