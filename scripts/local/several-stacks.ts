/** The app of `assemble` in stack.ts: a stack for each configuration, all of one name, each for an account of its own. */
import { App } from 'aws-cdk-lib';
import { readConfigFile } from '../../cdk/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';

const app = new App();
const configs: Readonly<Record<string, string>> = JSON.parse(app.node.getContext('configs'));
for (const [id, file] of Object.entries(configs)) {
  new CertRenewerStack(app, id, { config: readConfigFile(file), stackName: 'CertRenewer' });
}
