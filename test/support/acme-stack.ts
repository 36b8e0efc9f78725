/** A stack with a profile of type acme for the one e2e test that owns it: its local AWS with a hosted zone, and Pebble. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ACMClient,
  CreateAcmeExternalAccountBindingCommand,
  GetAcmeExternalAccountBindingCredentialsCommand,
} from '@aws-sdk/client-acm';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { pebbleScene } from '../../testkit/cas/acme-scene.ts';
import { acmeWorldOn } from '../../testkit/local-aws/acme-world.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { ACCOUNT, type EmulatorAccess, REGION, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { pebble } from '../../testkit/tools/go-tools.ts';
import type { Started } from './local-setup.ts';

export interface AcmeStack {
  /** Holds only the zone and the account binding at first. It records its calls. */
  readonly emulator: EmulatorAccess;
  /** Name and id of the hosted zone. */
  readonly domain: string;
  readonly zoneId: string;
  /** The root of the issued certificates, in PEM. */
  readonly rootPem: string;
  /** Pebble's log. */
  readonly logFile: string;
}

interface Prepared {
  readonly access: AcmeStack;
  /** Path of the configuration. */
  readonly file: string;
  readonly close: () => Promise<void>;
}

/** The stack's declared certificates. Their names belong to one resource of CloudFormation, which waits for both at the same time. */
export const WILDCARD = 'acme/web';
export const RSA = 'acme/legacy';
/** The name of the certificate with a wildcard. It must have as many labels as the blocked one: see PebbleConfig. */
export const wildcardName = (domain: string): string => `web.${domain}`;
/** Pebble rejects orders for this name of the zone. */
export const blockedName = (domain: string): string => `blocked.${domain}`;

const declared = (domain: string) =>
  ({
    [WILDCARD]: { profile: 'public', dnsNames: [wildcardName(domain), `*.${wildcardName(domain)}`] },
    [RSA]: { profile: 'public', dnsNames: [`rsa.${domain}`], kty: 'RSA', size: 2048 },
  }) satisfies Record<string, CertificateEntry>;

/** Starts all, and writes the configuration into the folder. Returns what is missing if Pebble can't be built. */
export async function prepareAcme(folder: string): Promise<Started<Prepared>> {
  const program = await pebble();
  if (!program.found) return program;
  const emulator = await startEmulator({ keepsCalls: true });
  const undo: (() => Promise<void>)[] = [emulator.stop];
  const close = async (): Promise<void> => {
    for (const step of undo) await step();
  };
  try {
    const world = await acmeWorldOn(emulator, { domain: 'svc.example' });
    const { domain, zoneId } = world;
    const { bindingArn, keyId, macKey } = await accountBinding(emulator);
    const scene = await pebbleScene(world, {
      // A valid authorisation is not used again, so that every order has to wait.
      env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' },
      config: {
        externalAccountBindingRequired: true,
        externalAccountMACKeys: { [keyId]: macKey },
        domainBlocklist: [blockedName(domain)],
        retryAfter: { authz: 1, order: 1 },
      },
    });
    undo.unshift(scene.close);
    // The stack makes the key of the account.
    const { accountKeyArn: _, ...ca } = await scene.ca();
    const config = {
      schedule: 'rate(1 day)',
      profiles: {
        public: { ca: { ...ca, eabBinding: bindingArn }, issue: { allow: [`dns:${domain}`, 'dns:other.example'] } },
      },
      certificates: declared(domain),
    };
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'acme.json');
    await writeFile(file, JSON.stringify(config, null, 2));
    const { endpoint, env, logFile, callsFile, pid } = emulator;
    const access: AcmeStack = {
      emulator: { endpoint, env, logFile, callsFile, pid },
      ...{ domain, zoneId, rootPem: ca.root, logFile: scene.server.logFile },
    };
    return { found: true, access, file, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes an external account binding at an ACME endpoint of ACM, as an administrator does. */
async function accountBinding(aws: Endpoint): Promise<{ bindingArn: string; keyId: string; macKey: string }> {
  const acm = client(ACMClient, aws);
  const { ExternalAccountBinding } = await acm.send(
    new CreateAcmeExternalAccountBindingCommand({
      AcmeEndpointArn: `arn:aws:acm:${REGION}:${ACCOUNT}:acme-endpoint/12345678`,
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/issuer`,
    }),
  );
  const bindingArn = ExternalAccountBinding?.AcmeExternalAccountBindingArn ?? '';
  const { KeyId: keyId = '', MacKey: macKey = '' } = await acm.send(
    new GetAcmeExternalAccountBindingCredentialsCommand({ AcmeExternalAccountBindingArn: bindingArn }),
  );
  return { bindingArn, keyId, macKey };
}
