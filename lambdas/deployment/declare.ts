/**
 * Declares a certificate: creates the secret if it is missing, writes the declaration where the worker reads it, and tags the
 * secret. The hash in the tag `declared` comes last, so that the next try finds a difference after a crash. The value of an
 * existing secret is neither read nor written.
 */
import { createHash } from 'node:crypto';
import type { Declaration } from '../domain/declaration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Store } from '../domain/ports.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { type CertificateEntry, documentOf, entryTags } from '../policy/certificate-entry.ts';
import { judged } from './judge.ts';
import type { PreviousDeclaration } from './previous-declaration.ts';
import type { AwaitedCertificate } from './renew-function.ts';
import { checkTakeover } from './takeover.ts';
import type { DeclarationWorld } from './world.ts';

export interface DeclaredSecret extends AwaitedCertificate {
  /** Whether the secret, its tags or the declaration have changed. */
  readonly isChanged: boolean;
  readonly isIssued: boolean;
}

/**
 * Declares the certificate. Repeating it changes nothing, and completes what a crash has left.
 *
 * Throws InvalidRequest for an invalid declaration, UnknownProfile, IssuanceNotAllowed. Throws SecretNotEnrolled, SecretNotFound
 * and InvalidRequest for a secret that it must not take over. Throws the errors of the calls.
 */
export async function declareCertificate(
  world: DeclarationWorld,
  name: string,
  entry: CertificateEntry,
  before?: PreviousDeclaration,
): Promise<DeclaredSecret> {
  const { declaration, declared, hash } = await judged(world, name, entry);
  const text = documentText(name, declared, world.declaredBy);
  const { secret, isNew } = await secretFor(world, declaration, entry, before);
  const isRewritten = await writeDeclaration(world, name, text, isNew);
  const hasOtherKey = await changeEncryptionKey(world, secret, entry, before);
  const isRetagged = await tagSecret(world, secret, { ...entryTags(entry), [tags.declared]: hash }, before);
  return {
    secretArn: secret.arn,
    hash,
    isChanged: isNew || isRewritten || hasOtherKey || isRetagged,
    isIssued: secret.tags.get(tags.issued) === hash,
    isTakenOver: !isNew && !secret.tags.has(tags.issued),
  };
}

/** Returns the secret's ARN if its tag has the hash of this declaration. It takes one call. Throws as declareCertificate does. */
export async function findDeclared(
  world: DeclarationWorld,
  name: string,
  entry: CertificateEntry,
): Promise<string | undefined> {
  const { hash } = await judged(world, name, entry);
  const secret = await describeIfThere(world.store, name);
  return secret?.tags.get(tags.declared) === hash ? secret.arn : undefined;
}

/** Returns the id of the first, empty version of a secret. It identifies a secret that still has no certificate. */
export const emptyVersionId = (name: string): string =>
  `declared-empty-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;

async function secretFor(
  world: DeclarationWorld,
  declaration: Declaration,
  entry: CertificateEntry,
  before: PreviousDeclaration | undefined,
): Promise<{ readonly secret: SecretSummary; readonly isNew: boolean }> {
  const { secretName } = declaration;
  const found = await describeIfThere(world.store, secretName);
  if (found === undefined) {
    if (entry.existing) {
      throw new RenewalError(
        'SecretNotFound',
        `There is no secret ${secretName}, but the declaration has "existing": create the secret, or remove "existing" to have it created.`,
      );
    }
    const made = await makeSecret(world, secretName, entry);
    if (made !== undefined) return { secret: made, isNew: true };
  }
  // A concurrent declaration may have created it.
  const secret = found ?? (await world.store.describe(secretName));
  await checkTakeover(world, secret, {
    declaration,
    isExisting: entry.existing ?? false,
    before,
    isEmpty: secret.currentVersionId === undefined || secret.currentVersionId === emptyVersionId(secretName),
  });
  return { secret, isNew: false };
}

/** Describes a secret. Returns undefined if it does not exist. Throws the other errors of describing it. */
export async function describeIfThere(
  store: Pick<Store, 'describe'>,
  name: string,
): Promise<SecretSummary | undefined> {
  try {
    return await store.describe(name);
  } catch (thrown) {
    if (thrown instanceof RenewalError && thrown.code === 'SecretNotFound') return undefined;
    throw thrown;
  }
}

async function makeSecret(
  { secrets }: DeclarationWorld,
  name: string,
  entry: CertificateEntry,
): Promise<SecretSummary | undefined> {
  const versionId = emptyVersionId(name);
  const made = { tags: entryTags(entry), encryptionKey: entry.encryptionKey };
  const description = 'A certificate and its key, kept by cert-renewer.';
  const arn = await secrets.create({ ...made, name, description, versionId });
  if (arn === undefined) return undefined;
  const { encryptionKey } = made;
  return {
    ...{ arn, name, isReplica: false, rotation: { enabled: false } },
    tags: new Map(Object.entries(made.tags)),
    versions: new Map([[versionId, ['AWSCURRENT']]]),
    currentVersionId: versionId,
    ...(encryptionKey !== undefined && { encryptionKey }),
  };
}

/** SSM's limit for the bytes of a parameter's value. */
const longestDocument = 8_192;

/** Returns the JSON to store, readable and the same for the same entry. Throws InvalidRequest if it is too long for a parameter. */
export function documentText(name: string, entry: CertificateEntry, declaredBy?: string): string {
  const document = { ...documentOf(name, entry), ...(declaredBy !== undefined && { declaredBy }) };
  const readable = JSON.stringify(document, null, 2);
  const text = Buffer.byteLength(readable) <= longestDocument ? readable : JSON.stringify(document);
  const size = Buffer.byteLength(text);
  if (size <= longestDocument) return text;
  throw new RenewalError(
    'InvalidRequest',
    `The declaration has ${size} bytes, but an SSM parameter holds at most ${longestDocument}: declare fewer names.`,
  );
}

async function writeDeclaration(
  { declarations }: DeclarationWorld,
  name: string,
  text: string,
  isNew: boolean,
): Promise<boolean> {
  // A new secret hardly has a declaration, so reading it first would only cost a call.
  if (!isNew && (await declarations.read(name)) === text) return false;
  await declarations.write(name, text);
  return true;
}

/** Alias of the account's default key for Secrets Manager. */
const accountKey = 'alias/aws/secretsmanager';

async function changeEncryptionKey(
  { secrets }: DeclarationWorld,
  { arn, encryptionKey: found }: SecretSummary,
  { encryptionKey }: CertificateEntry,
  before: PreviousDeclaration | undefined,
): Promise<boolean> {
  // A key that no declaration has named is the owner's choice and stays.
  const wanted = encryptionKey ?? (before?.encryptionKey === undefined ? undefined : accountKey);
  if (wanted === undefined || isSameKey(found ?? accountKey, wanted)) return false;
  await secrets.setEncryptionKey(arn, wanted);
  return true;
}

/** Compares keys. One may be an ARN, the other an id or alias. */
const isSameKey = (one: string, other: string): boolean =>
  one === other ||
  one.endsWith(`/${other}`) ||
  other.endsWith(`/${one}`) ||
  one.endsWith(`:${other}`) ||
  other.endsWith(`:${one}`);

/** The tags of a group are set and removed together, because single ones may contradict each other. */
const groups: readonly (readonly string[])[] = [
  [tags.expiresIn, tags.rekeyPeriod],
  [tags.kty, tags.curve, tags.size],
];

async function tagSecret(
  { store }: DeclarationWorld,
  { arn, tags: found }: SecretSummary,
  wanted: Readonly<Record<string, string>>,
  before: PreviousDeclaration | undefined,
): Promise<boolean> {
  const contradicting = groups.filter((group) => group.some((tag) => tag in wanted)).flat();
  const dropped = [...new Set([...(before?.tags ?? []), ...contradicting])].filter(
    (tag) => found.has(tag) && !(tag in wanted),
  );
  const set = Object.fromEntries(Object.entries(wanted).filter(([tag, value]) => found.get(tag) !== value));
  // The hash comes last.
  if (dropped.length > 0) await store.tag(arn, {}, dropped);
  if (Object.keys(set).length > 0) await store.tag(arn, set, []);
  return dropped.length > 0 || Object.keys(set).length > 0;
}

/**
 * Removes the declaration and returns whether there was one. Secret, tags and certificate stay, and the certificate is renewed
 * unchanged. A deployment's resource removes only its own declarations: if a certificate moves to another resource, that resource
 * has written the declaration before the first one is deleted.
 */
export async function undeclareCertificate(
  { declarations, declaredBy }: Pick<DeclarationWorld, 'declarations' | 'declaredBy'>,
  name: string,
): Promise<boolean> {
  if (declaredBy !== undefined && writerOf(await declarations.read(name)) !== declaredBy) return false;
  return declarations.remove(name);
}

function writerOf(document: string | undefined): unknown {
  try {
    const found: unknown = JSON.parse(document ?? 'null');
    return typeof found === 'object' && found !== null ? Reflect.get(found, 'declaredBy') : undefined;
  } catch {
    return undefined;
  }
}
