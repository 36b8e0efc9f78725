/** The CAs of the demo: an authority of the stack's own, and beside it a real step-ca where Go can build one. */
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { startStepCa } from '../../testkit/cas/step-ca.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { ToolMissingError } from '../../testkit/tools/tool.ts';

export interface DemoCa {
  /** The name of its profile. */
  readonly profile: 'internal' | 'own';
  readonly access: CaAccess;
  /** Its part of the configuration. */
  readonly ca: Readonly<Record<string, unknown>>;
  /** Whether it has a server that issues what nobody has asked a renewal for. */
  readonly hasServer: boolean;
  close(): Promise<void>;
}

/** The secret with the CA certificate and key of the stack's own authority. */
export const AUTHORITY_SECRET = 'demo/authority';

/** Undefined, and `missing` says why, where there is no Go to build step-ca with. */
export async function stepCaOf(missing: (message: string) => void): Promise<DemoCa | undefined> {
  try {
    const { url, rootFile, access, close } = await startStepCa();
    return { profile: 'internal', access, ca: { type: 'step-ca', url, root: rootFile }, hasServer: true, close };
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    missing(error.message);
    return undefined;
  }
}

/** Puts an intermediate with its key into a secret, from where the stack's authority `own` signs. */
export async function ownAuthority(aws: Endpoint): Promise<DemoCa> {
  const { root, intermediate } = pemHierarchy({ name: 'Demo' });
  const value = {
    certificate: intermediate.certificatePem,
    privateKey: intermediate.keyPem,
    certificateChain: root.certificatePem,
  };
  const create = new CreateSecretCommand({ Name: AUTHORITY_SECRET, SecretString: JSON.stringify(value) });
  await client(SecretsManagerClient, aws).send(create);
  const access: CaAccess = {
    url: '',
    rootPem: root.certificatePem,
    intermediatePem: intermediate.certificatePem,
    intermediateKeyPem: intermediate.keyPem,
    provisioner: { name: 'demo', kid: 'demo', keyPem: '' },
  };
  const ca = { type: 'offline', authority: 'own' };
  return { profile: 'own', access, ca, hasServer: false, close: async () => {} };
}

export function configurationOf(cas: readonly DemoCa[]): Readonly<Record<string, unknown>> {
  return {
    schedule: 'rate(1 minute)',
    profiles: Object.fromEntries(cas.map(({ profile, ca }) => [profile, { ca }])),
    authorities: { own: { secretId: AUTHORITY_SECRET } },
  };
}
