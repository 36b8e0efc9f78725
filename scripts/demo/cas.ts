/** Real CAs beside the stack's own authorities: step-ca, and Pebble, which speaks ACME. Building them needs Go. */
import { createPublicKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { type AcmeScene, pebbleScene, type Texts } from '../../testkit/cas/acme-scene.ts';
import { jwkProvisioner, startStepCa } from '../../testkit/cas/step-ca.ts';
import { acmeWorldOn } from '../../testkit/local-aws/acme-world.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { ToolMissingError } from '../../testkit/tools/tool.ts';

export interface DemoStepCa {
  readonly url: string;
  readonly rootFile: string;
  readonly rootPem: string;
  readonly processGroup: number | undefined;
  /** The JWK provisioner. step-ca has its public key, KMS its private key. */
  readonly provisioner: { readonly name: string; readonly kmsKeyArn: string };
  close(): Promise<void>;
}

/** Starts step-ca. Without Go it calls `missing` with the reason and returns undefined. */
export async function startDemoStepCa(
  aws: Endpoint,
  missing: (message: string) => void,
): Promise<DemoStepCa | undefined> {
  const name = 'renewer';
  try {
    const { kmsKeyArn, publicKey } = await newKmsKey(aws);
    const provisioners = [await jwkProvisioner(name, publicKey)];
    const { url, rootFile, rootPem, processGroup, close } = await startStepCa({ provisioners });
    return { url, rootFile, rootPem, processGroup, provisioner: { name, kmsKeyArn }, close };
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    missing(error.message);
    return undefined;
  }
}

async function newKmsKey(aws: Endpoint) {
  const kms = client(KMSClient, aws);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
  const kmsKeyArn = KeyMetadata?.Arn ?? '';
  const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: kmsKeyArn }));
  const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  return { kmsKeyArn, publicKey };
}

export interface DemoPebble {
  readonly directory: string;
  /** Files with the root of Pebble's TLS certificate, and with the root of what it issues. */
  readonly serverRootFile: string;
  readonly rootFile: string;
  readonly rootPem: string;
  /** The hosted zone that it asks. */
  readonly domain: string;
  readonly zoneId: string;
  /** The TXT records before the first order. */
  readonly before: Texts;
  readonly texts: () => Promise<Texts>;
  readonly counts: AcmeScene['server']['counts'];
  close(): Promise<void>;
}

/** Starts Pebble, and makes the zone with a value of somebody else. Without Go it calls `missing` and returns undefined. */
export async function startDemoPebble(
  aws: Endpoint,
  folder: string,
  missing: (message: string) => void,
): Promise<DemoPebble | undefined> {
  try {
    const world = await acmeWorldOn(aws, { domain: 'shop.example' });
    await world.put(`_acme-challenge.${world.domain}`, 'a value of another program');
    // Pebble would wait up to five seconds before each of its checks, and would often skip them for names that it has checked.
    const env = { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' };
    const { server, ca, close } = await pebbleScene(world, { env, config: { retryAfter: { authz: 1, order: 1 } } });
    const { directory, serverRootFile, counts } = server;
    const { root: rootPem } = await ca();
    const rootFile = join(folder, 'pebble_root.pem');
    await writeFile(rootFile, rootPem);
    const { domain, zoneId, texts } = world;
    const before = await texts();
    return { directory, serverRootFile, rootFile, rootPem, domain, zoneId, before, texts, counts, close };
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    missing(error.message);
    return undefined;
  }
}
