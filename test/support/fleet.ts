/** Many certificates of every shape and kind of key, some of them due, as a schedule may find them in an account. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { CreateKeyCommand, GetPublicKeyCommand, KMSClient, type KeySpec as KmsKeySpec } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { bareLeaf, type CaAccess } from '../../testkit/cas/leaf.ts';
import {
  commonNameOnly,
  type KeyKind,
  makeKey,
  subjectAltName,
  usualExtensions,
} from '../../testkit/certificates/index.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { type EnrolledSecret, enrol, inShape, type PairText, type Shape } from '../../testkit/local-aws/enrolled.ts';

const hour = 3_600_000;
const forms = ['camel', 'snake', 'tls', 'pem', 'kms'] as const;
const kinds: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072'];
const kmsSpecs: Readonly<Partial<Record<KeyKind, KmsKeySpec>>> = {
  'P-256': 'ECC_NIST_P256',
  'P-384': 'ECC_NIST_P384',
  'P-521': 'ECC_NIST_P521',
  Ed25519: 'ECC_NIST_EDWARDS25519',
  'RSA-2048': 'RSA_2048',
  'RSA-3072': 'RSA_3072',
};
const jsonShapes = ['camel', 'snake', 'tls'] as const;

/** A certificate of the fleet, as it was enrolled. */
export interface Member {
  readonly secret: EnrolledSecret;
  readonly shape: Shape;
  readonly kind: KeyKind;
  readonly pair: PairText;
  readonly value: string;
  readonly isDue: boolean;
  /** The expected kind of its renewal. */
  readonly operation: 'renew' | 'rekey';
}

interface Draft {
  readonly index: number;
  readonly form: (typeof forms)[number];
  readonly kind: KeyKind;
  readonly isDue: boolean;
  readonly keepsKey: boolean;
  /** Whether its own tag sets the window, instead of the default of a third. */
  readonly isByTag: boolean;
}

/**
 * Drafts of 300 certificates: each of 30 combinations ten times, of which six or seven are due. Only two have RSA-3072,
 * because a new key takes the worker half a second.
 */
function drafts(): Draft[] {
  return Array.from({ length: 300 }, (_, index) => {
    const combination = index % (forms.length * kinds.length);
    const kind = kinds[index % kinds.length] ?? 'P-256';
    const round = (index - combination) / (forms.length * kinds.length);
    return {
      index,
      form: forms[index % forms.length] ?? 'camel',
      kind: kind === 'RSA-3072' && round > 1 ? 'P-256' : kind,
      isDue: (round + combination) % 3 !== 2,
      keepsKey: index % 11 === 0,
      isByTag: index % 7 === 0,
    };
  });
}

/** Enrols 300 secrets in the profile, 200 of them due. Takes a few seconds. */
export async function enrolFleet(aws: Endpoint, ca: CaAccess, profile: string): Promise<Member[]> {
  const kms = client(KMSClient, aws);
  const secrets = client(SecretsManagerClient, aws);
  const inKms = new Map(
    await Promise.all(kinds.map(async (kind) => [kind, await kmsKey(kms, kind, profile)] as const)),
  );
  // RSA keys take long to make, so certificates of one kind share a key.
  const rsa = new Map<KeyKind, KeyObject>();
  for (const kind of kinds) if (kind.startsWith('RSA')) rsa.set(kind, makeKey(kind));

  return Promise.all(
    drafts().map(async (draft): Promise<Member> => {
      const { index, form, kind, isDue, isByTag, keepsKey } = draft;
      const held = form === 'kms' ? inKms.get(kind) : undefined;
      const key = held?.publicKey ?? rsa.get(kind) ?? makeKey(kind);
      const names = subjectAltName(`dns:c${index}.example`, `dns:*.c${index}.example`);
      const pair: PairText = {
        ...bareLeaf(ca, {
          key,
          subject: commonNameOnly(`c${index}.example`),
          extensions: [...usualExtensions.slice(0, 2), names],
          ...datesOf(draft),
        }),
        ...(held && { kmsKeyId: held.arn }),
      };
      const shape = form === 'kms' ? (jsonShapes[index % jsonShapes.length] ?? 'camel') : form;
      const value = inShape(shape, pair);
      const tags = { ...(isByTag && timingTag(isDue)), ...(keepsKey && { mode: 'renew' }) };
      const secret = await enrol(aws, { name: `fleet-${index}`, value, profile, tags }, secrets);
      return { secret, shape, kind, pair, value, isDue, operation: held || keepsKey ? 'renew' : 'rekey' };
    }),
  );
}

/**
 * Dates of a day's validity. By default two hours are left if it is due, and have passed if it is not. If its tag decides, it
 * is the other way round.
 */
function datesOf({ isDue, isByTag }: Draft): { notBefore: number; notAfter: number } {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const passed = isDue === isByTag ? 2 * hour : 22 * hour;
  return { notBefore: now - passed, notAfter: now - passed + 24 * hour };
}

const timingTag = (isDue: boolean): Readonly<Record<string, string>> =>
  isDue ? { 'rekey-period': '1h' } : { 'expires-in': '30m' };

async function kmsKey(kms: KMSClient, kind: KeyKind, profile: string) {
  const request = new CreateKeyCommand({
    KeySpec: kmsSpecs[kind],
    KeyUsage: 'SIGN_VERIFY',
    Tags: [{ TagKey: 'cert-renewer:profile', TagValue: profile }],
  });
  const { KeyMetadata } = await kms.send(request);
  const arn = KeyMetadata?.Arn ?? '';
  const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
  return { arn, publicKey: createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' }) };
}
