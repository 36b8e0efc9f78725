/** The deployed stack as its users see it: enrol, invoke, scan, and read. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
  SecretsManagerClient,
  type Tag,
} from '@aws-sdk/client-secrets-manager';
import { expect } from 'vitest';
import type { RenewalResult, ScanResult } from '../../lambdas/domain/result.ts';
import { type CaAccess, forge, issue, type Leaf, type LeafRequest } from '../../testkit/cas/leaf.ts';
import { client, invoke, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, fromShape, look, versionIds } from '../../testkit/local-aws/enrolled.ts';
import { PASSWORD_SECRET } from './e2e-config.ts';
import type { Local } from './local.ts';
import { camel, hour, refusal, renewNow } from './on-demand.ts';

export interface Fresh {
  readonly profile?: string;
  /** Tags without their prefix. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: the run's CA. */
  readonly ca?: CaAccess;
}

/** For a certificate of 24 hours. */
export const aged = (hours: number) => ({
  notBefore: new Date(Date.now() - hours * hour),
  notAfter: new Date(Date.now() + (24 - hours) * hour),
});

export type FreshSecret = EnrolledSecret & { readonly leaf: Leaf };
export type Renewer = ReturnType<typeof renewerOf>;

export function renewerOf(local: Local) {
  const { emulator } = local;
  const secrets = client(SecretsManagerClient, emulator);
  const renewFunction = () => local.outputs['RenewFunctionName'] ?? '';

  const renew = (request: unknown): Promise<RenewalResult> => renewNow(emulator, renewFunction(), request);
  const refused = (request: unknown) => refusal(emulator, renewFunction(), request);

  /** Scans these secrets only: other tests have theirs in the same account. */
  async function scan(secretIds: readonly string[], more: object = {}): Promise<ScanResult> {
    const answer = await invoke<ScanResult>(emulator, local.outputs['ScanFunctionName'] ?? '', { secretIds, ...more });
    if (answer.error) throw new Error(`${answer.error.errorType}: ${answer.error.errorMessage}`);
    return answer.payload;
  }

  /** Makes a certificate of 24 hours in the camel shape. It is an hour old, so not due. */
  async function fresh(enrolment: Fresh = {}, request: LeafRequest = {}): Promise<FreshSecret> {
    const { ca = local.ca, ...more } = enrolment;
    const wanted = { ...aged(1), ...request };
    // step-ca would not sign an expired one.
    const leaf = await (wanted.notAfter < new Date() ? forge : issue)(ca, wanted);
    return { ...(await enrol(emulator, { value: camel(leaf, leaf.keyPem), name: 'step', ...more })), leaf };
  }

  /** Makes a secret with another value, or without one. Returns its name. */
  async function put(value: string | undefined, tags: Readonly<Record<string, string>> = {}): Promise<string> {
    const Name = uniqueName('step');
    const Tags: Tag[] = Object.entries(tags).map(([key, Value]) => ({ Key: `cert-renewer:${key}`, Value }));
    const content = value === undefined ? {} : { SecretString: value };
    await secrets.send(new CreateSecretCommand({ Name, Tags, ...content }));
    return Name;
  }

  /** Returns the current pair. Throws if the key does not belong to the certificate. */
  async function reader(secretId: string) {
    const found = await look(emulator, secretId);
    const pair = fromShape('camel', found.value);
    const certificate = new X509Certificate(pair.certificate);
    const publicKey = createPublicKey(createPrivateKey(pair.privateKey ?? ''));
    expect(certificate.publicKey.equals(publicKey)).toBe(true);
    expect([undefined, found.versionId]).toContain(found.stages.get('AWSPENDING'));
    return { ...found, pair, certificate, publicKey };
  }

  /** Waits for the workers: until there is a new version, or the tags show that a worker has left the secret as it is. */
  async function settled({ arn }: EnrolledSecret, isDone: (versions: readonly string[]) => boolean) {
    const seen = { text: '' };
    await waitFor('the worker', async () => {
      const versions = await versionIds(emulator, arn);
      const { tags, versionId, stages } = await look(emulator, arn);
      seen.text = JSON.stringify({ versions, tags: [...tags] });
      // A staged version that is not promoted yet counts too.
      const isBetween = ![undefined, versionId].includes(stages.get('AWSPENDING'));
      return tags.get('cert-renewer:version-id') === versionId && !isBetween && isDone(versions);
    }).catch((error: unknown) => {
      throw new Error(`${error}; seen: ${seen.text}`);
    });
    return reader(arn);
  }

  /** For the profile `encrypted`. */
  async function password(): Promise<string> {
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: PASSWORD_SECRET }));
    return SecretString;
  }

  const deny = (secretId: string, Action: string): Promise<unknown> => {
    const Statement = [{ Effect: 'Deny', Principal: '*', Action, Resource: '*' }];
    const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement });
    return secrets.send(new PutResourcePolicyCommand({ SecretId: secretId, ResourcePolicy }));
  };

  const allow = (secretId: string): Promise<unknown> =>
    secrets.send(new DeleteResourcePolicyCommand({ SecretId: secretId }));

  return {
    ...{ renew, refused, scan, fresh, put, reader, settled, deny, allow, password, secrets },
    versions: (secretId: string) => versionIds(emulator, secretId),
    look: (secretId: string) => look(emulator, secretId),
  };
}

/** Scans one secret and waits until its worker has finished and the secret has this many `versions`. */
export async function scanned(renewer: Renewer, secret: EnrolledSecret, versions: number) {
  const counts = await renewer.scan([secret.arn]);
  expect(counts).toMatchObject({ listed: 1, enqueued: 1 });
  return renewer.settled(secret, (found) => found.length === versions);
}

export const serialOf = (certificate: X509Certificate): string => certificate.serialNumber.toLowerCase();
export const isKeyOf = (key: KeyObject, certificate: X509Certificate): boolean =>
  certificate.publicKey.equals(createPublicKey(key));
