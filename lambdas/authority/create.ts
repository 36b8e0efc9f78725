/**
 * Creates the first certificate of an authority. CloudFormation has created the KMS key, and the secret with `{}`. If the secret has
 * another value, that is a certificate already, and stays.
 */
import type { Authority } from '../domain/authority.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import { encodePem } from '../domain/pem.ts';
import type { Clock, Entropy, Store } from '../domain/ports.ts';
import type { SecretValue } from '../domain/secret.ts';
import type { Signer } from '../domain/signer.ts';
import { checkGivenKey } from '../keys/given.ts';
import { sameKey } from '../keys/spec.ts';
import { promote, type Swap, stage } from '../renewal/steps/6-swap.ts';
import { isPlaceholder } from '../secret/placeholder.ts';
import { buildCaCertificate } from '../x509/ca-certificate.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { constraintBase } from '../x509/extension-values.ts';
import { parseName } from '../x509/name-text.ts';
import { newSerialNumber, signCertificate } from '../x509/reissue.ts';
import {
  type AuthorityWorld,
  findAuthority,
  type LoadedAuthority,
  loadAuthority,
  readAuthoritySecret,
} from './load.ts';
import { rehearse } from './prepare.ts';
import { checkAlive, checkEnabled, newCaValidity } from './rules.ts';
import { chainOf } from './sign-leaf.ts';

export interface CreationWorld extends AuthorityWorld {
  readonly store: Pick<Store, 'describe' | 'read' | 'stage' | 'promote' | 'discard'>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Adds a root to the trust bundle, if the stack has one. Never throws: the first inspection repairs it. */
  readonly keepBundle?: (certificate: Certificate, previous: Certificate | undefined) => Promise<void>;
}

/** `present`: there is a certificate already, perhaps by another writer. `disabled`: there is no certificate, and it is not created. */
export type CreationOutcome = 'created' | 'present' | 'disabled';

/**
 * Signs and stores the certificate if there is none: a root with its own key, any other with its parent's, which must have a certificate by
 * then. A repeated call does nothing more.
 *
 * Throws KeyMismatch if the stored certificate has another key than the configured one: a new certificate would make the issued ones
 * invalid, and the old one can't be renewed without its key. Throws InvalidRequest for a configuration that gives no certificate,
 * CaRejected if the parent must not sign it, and what reading, signing and writing throw.
 */
export async function createAuthority(world: CreationWorld, name: string): Promise<CreationOutcome> {
  const authority = await findAuthority(world.authorities, name);
  const secret = await world.store.describe(authority.secretId);
  if (secret.currentVersionId !== undefined) {
    const { value } = await world.store.read(secret.arn, secret.currentVersionId);
    if (!isPlaceholder(value)) {
      await checkStoredKey(world, authority, value);
      return 'present';
    }
  }
  if (authority.disabled) return 'disabled';
  const { certificate, chain, kmsKeyArn } = await firstCertificate(world, authority);
  const text = JSON.stringify({
    certificate: `${encodePem('CERTIFICATE', certificate.der)}\n`,
    kmsKeyId: kmsKeyArn,
    certificateChain: chain.map((der) => `${encodePem('CERTIFICATE', der)}\n`).join(''),
  });
  // Not an id of a renewal, so that it does not count as recently renewed.
  const versionId = `authority-created-${Buffer.from(world.entropy(16)).toString('hex')}`;
  const swap = { secretArn: secret.arn, from: secret.currentVersionId, to: versionId };
  await stage(world.store, swap, { kind: 'string', text });
  const outcome = await promoteFirst(world, swap);
  if (outcome === 'created') await world.keepBundle?.(certificate, undefined);
  return outcome;
}

/**
 * Checks the stored certificate's key. CloudFormation replaces the KMS key if certain properties change, and a deployment must not succeed
 * then.
 */
async function checkStoredKey(world: CreationWorld, authority: Authority, value: SecretValue): Promise<void> {
  const { name, kmsKeyArn, create } = authority;
  if (create === undefined || kmsKeyArn === undefined || authority.disabled) return;
  const stored = await storedCertificate(world, authority, value);
  if (stored === undefined || sameKey(await world.vault.signer(kmsKeyArn), stored)) return;
  throw new RenewalError(
    'KeyMismatch',
    `The secret of authority ${name} contains a certificate for another key than ${kmsKeyArn}, so the authority can't sign: import it by secretId and the kmsKeyArn of its own key, or choose another name for the new authority.`,
  );
}

/** Returns the stored certificate; undefined for another value, which the first use of the authority reports. */
async function storedCertificate(
  { store }: CreationWorld,
  authority: Authority,
  value: SecretValue,
): Promise<Certificate | undefined> {
  try {
    return parseCertificate((await readAuthoritySecret(store, authority, value)).leaf);
  } catch {
    return undefined;
  }
}

interface FirstCertificate {
  readonly certificate: Certificate;
  /** DER, without the root. */
  readonly chain: readonly Uint8Array[];
  readonly kmsKeyArn: string;
}

async function firstCertificate(world: CreationWorld, authority: Authority): Promise<FirstCertificate> {
  const { name, create, kmsKeyArn, backdate } = authority;
  if (create === undefined || kmsKeyArn === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      `The secret of authority ${name} contains no certificate, and its configuration has no "create": store the CA certificate in the secret, and deploy again.`,
    );
  }
  const own = await world.vault.signer(kmsKeyArn);
  checkGivenKey(own, `The key of authority ${authority.name}`);
  const parent = await parentOf(world, authority);
  const signer: Signer = parent === undefined ? own : await parent.signer();
  const now = world.clock.now();
  if (parent !== undefined) checkAlive(parent.authority, parent.end, now);
  const bases = (texts: readonly string[] = []) => texts.map((text) => requiredBase(name, text));
  const tbs = await buildCaCertificate({
    subject: parseName(create.subject, `The subject of authority ${name}`),
    spki: own.spki,
    issuer: parent?.certificate ?? 'self',
    issuerKeySpec: signer.keySpec,
    serialNumber: newSerialNumber(world.entropy),
    pathLength: create.pathLength,
    permitted: bases(create.nameConstraints?.permitted),
    excluded: bases(create.nameConstraints?.excluded),
    ...newCaValidity({ parentEnd: parent?.end, backdate, now }, create.validity),
  });
  const issuer = parent ?? 'self';
  await rehearse({ tbs, issuer, issuerKeySpec: signer.keySpec, before: undefined, now });
  const certificate = parseCertificate(await signCertificate(tbs, signer));
  return { certificate, chain: parent === undefined ? [] : chainOf(parent), kmsKeyArn };
}

async function parentOf(world: CreationWorld, { parent }: Authority): Promise<LoadedAuthority | undefined> {
  if (parent === undefined) return undefined;
  const loaded = await loadAuthority(world, parent);
  checkEnabled(loaded.authority);
  return loaded;
}

function requiredBase(name: string, text: string): Uint8Array {
  const base = constraintBase(text);
  if (base) return base;
  throw new RenewalError(
    'InvalidRequest',
    `A name constraint of authority ${name} can't be read: expected dns:example.com, email:example.com, uri:.example.com or ip:10.0.0.0/8.`,
  );
}

/** Promotes the first version. Of two concurrent calls only one succeeds, and the other's certificate is never used. */
async function promoteFirst(world: CreationWorld, swap: Swap): Promise<CreationOutcome> {
  try {
    await promote(world, swap);
    return 'created';
  } catch (error) {
    const { currentVersionId } = await world.store.describe(swap.secretArn);
    if (currentVersionId !== swap.from) return 'present';
    throw error;
  }
}
