import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { CaAccess } from '../../scripts/local/leaf.ts';
import { client, type Endpoint } from './aws.ts';

/** The secret that holds the password of the profile `encrypted`. */
export const PASSWORD_SECRET = 'e2e/key-password';

/** CAs besides the run's own one. */
export interface MoreCas {
  /** The run's CA, by way of a gate that a test can shut (gate.ts). */
  readonly gated: { readonly url: string };
  /** A CA of its own that renews expired certificates. */
  readonly lenient: Pick<CaAccess, 'url' | 'rootPem'>;
}

/** The profiles of the deployment that all e2e tests share. A test that needs another gets it here; none changes what others rest on. */
export function e2eConfig(ca: Pick<CaAccess, 'url'>, { gated, lenient }: MoreCas): Readonly<Record<string, unknown>> {
  const local = { type: 'step-ca', url: ca.url, root: 'root_ca.crt' };
  return {
    schedule: 'rate(1 hour)', // it doesn't come round while the tests run: they start their scans themselves
    profiles: {
      internal: { ca: local },
      'same-key': { ca: local, mode: 'renew' },
      encrypted: { ca: local, passwordSecretId: PASSWORD_SECRET },
      paused: { ca: local, paused: true },
      'before-8h30m': { ca: local, expiresIn: '8h30m' },
      'every-16h': { ca: local, rekeyPeriod: '16h' },
      // Nothing listens on port 1.
      unreachable: { ca: { ...local, url: 'https://127.0.0.1:1' } },
      // The CA of `lenient`, whose certificate does not verify to this root.
      untrusted: { ca: { ...local, url: lenient.url } },
      gated: { ca: { ...local, url: gated.url } },
      lenient: { ca: { ...local, url: lenient.url, root: lenient.rootPem } },
    },
  };
}

/** What has to be there before the deployment: the file to deploy, with its root beside it, and the secrets that it names. Returns the file's path. */
export async function prepareE2e(folder: string, aws: Endpoint, ca: CaAccess, more: MoreCas): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'root_ca.crt'), ca.rootPem);
  const config = join(folder, 'cert-renewer.json');
  await writeFile(config, JSON.stringify(e2eConfig(ca, more), null, 2));
  const password = { Name: PASSWORD_SECRET, SecretString: randomBytes(12).toString('base64url') };
  await client(SecretsManagerClient, aws).send(new CreateSecretCommand(password));
  return config;
}
