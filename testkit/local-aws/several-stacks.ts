/**
 * The app of `assemble` in stack.ts. It has a stack for each configuration. All have one name, because each is for an account of its own.
 * An id with a slash, `before/schedule`, is another version of the stack `schedule`, with the same names, in an app of its own.
 * A stack that issues certificates has a second stack `<id>-reader` (reader-stack.ts).
 */
import { App } from 'aws-cdk-lib';
import { readConfigFile } from '../../cdk/config/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { ReaderStack } from './reader-stack.ts';

const app = new App();
const configs: Readonly<Record<string, string>> = JSON.parse(app.node.getContext('configs'));
const others = new Map<string, App>();
for (const [name, file] of Object.entries(configs)) {
  const [id = name, version] = name.split('/').reverse();
  const of = version === undefined ? app : (others.get(version) ?? new App({ outdir: `${app.outdir}-${version}` }));
  if (version !== undefined) others.set(version, of);
  const config = readConfigFile(file);
  const { renewer } = new CertRenewerStack(of, id, { config, stackName: 'CertRenewer' });
  const [issuing] = Object.entries(config.profiles).flatMap(([profile, { issue }]) => (issue ? [profile] : []));
  if (issuing !== undefined) new ReaderStack(of, `${id}-reader`, { renewer, profile: issuing, stackName: 'Reader' });
}
for (const other of others.values()) other.synth(); // the CLI synthesises the first one
