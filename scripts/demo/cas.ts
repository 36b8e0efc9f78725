/** A real step-ca beside the stack's own authorities. Building it needs Go. */
import { createPublicKey } from 'node:crypto';
import { CreateKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { jwkProvisioner, startStepCa } from '../../testkit/cas/step-ca.ts';
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
