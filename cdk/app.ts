/** cert-renewer.json to the stack: what `npx cdk deploy -c config=path` runs. */
import { App } from 'aws-cdk-lib';
import { readConfigFile } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import { CertRenewerStack } from './stack.ts';

const app = new App();
const given: unknown = app.node.tryGetContext('config');

try {
  const config = readConfigFile(typeof given === 'string' && given !== '' ? given : 'cert-renewer.json');
  new CertRenewerStack(app, 'CertRenewer', { config });
  app.synth(); // what is too large shows here
} catch (thrown) {
  if (!(thrown instanceof ConfigError)) throw thrown;
  // What is wrong is in the message; a stack trace would only hide it.
  console.error(thrown.message);
  process.exit(1);
}
