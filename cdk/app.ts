/**
 * The app behind `npx cdk deploy -c config=<file>` and `cert-renewer deploy`: it builds the stack of a configuration file. It applies the
 * feature flags of cdk.json itself, so that the template is the same in any working directory.
 */
import { App } from 'aws-cdk-lib';
import manifest from '../cdk.json' with { type: 'json' };
import { defaultStackName } from '../lambdas/domain/typed-command.ts';
import { readConfigFile } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import { DamagedPackageError } from './functions/prebuilt.ts';
import { CertRenewerStack } from './stack.ts';

// The CDK's own check of the template would take more than half of each command. The template is not the user's, and the tests check it.
const app = new App({ context: manifest.context, builtinCloudFormationValidation: false });
/** The value of `-c <key>=<text>`; undefined if it is missing or empty. */
const given = (key: string): string | undefined => {
  const value: unknown = app.node.tryGetContext(key);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

try {
  const config = readConfigFile(given('config') ?? 'cert-renewer.json');
  // The stack's name is its id, too: the name of the event bus contains the id, and two stacks can't have one bus.
  new CertRenewerStack(app, given('stackName') ?? defaultStackName, { config });
  app.synth(); // throws if a parameter is too large
} catch (thrown) {
  if (!(thrown instanceof ConfigError || thrown instanceof DamagedPackageError)) throw thrown;
  // The message says what is wrong. A stack trace would hide it.
  console.error(thrown.message);
  process.exit(1);
}
