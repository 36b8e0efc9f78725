/**
 * Decides whether an existing secret may be declared. Its value will be replaced, so the owner must have intended that: it was
 * declared before, it is empty, its certificate has exactly the declared names, or the declaration has `existing`.
 */
import type { Declaration } from '../domain/declaration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { checkOwnership } from '../policy/ownership.ts';
import type { PreviousDeclaration } from './previous-declaration.ts';
import { renewAnswer } from './renew-function.ts';
import type { DeclarationWorld } from './world.ts';

export interface Claim {
  readonly declaration: Declaration;
  /** Whether the declaration has `existing`. */
  readonly isExisting: boolean;
  readonly before: PreviousDeclaration | undefined;
  /** Whether it has no value, or still its initial value. */
  readonly isEmpty: boolean;
}

/** Checks that the secret may be declared. Throws SecretNotEnrolled, SecretNotFound, InvalidRequest. */
export async function checkTakeover(world: DeclarationWorld, secret: SecretSummary, claim: Claim): Promise<void> {
  checkIsOurs(world, secret);
  if (await world.isAuthority?.(secret)) {
    throw new RenewalError(
      'InvalidRequest',
      `The secret ${secret.name} is the secret of an authority of this stack: declare another secret.`,
    );
  }
  checkProfile(secret, claim);
  const wasDeclared = secret.tags.has(tags.declared) || secret.tags.has(tags.issued);
  if (claim.isExisting || wasDeclared || claim.isEmpty) return;
  await checkContent(world, secret, claim.declaration);
}

function checkIsOurs({ rotationFunctionArn }: DeclarationWorld, secret: SecretSummary): void {
  const foreign = checkOwnership({ secret, rotationFunctionArn });
  if (foreign === undefined) return;
  const { code, message } = foreign;
  const is = code === 'SecretNotFound' ? code : 'InvalidRequest';
  throw new RenewalError(is, `The secret ${secret.name} can't be declared (${code}): ${message}`);
}

/** Checks that the secret is in the declared profile, or in the one of its previous declaration. */
function checkProfile({ name, tags: found }: SecretSummary, { declaration: { profile }, before }: Claim): void {
  const enrolled = found.get(tags.profile);
  if (enrolled === profile) return;
  if (enrolled === undefined) {
    throw new RenewalError(
      'SecretNotEnrolled',
      `The secret ${name} exists already and is not enrolled: declare another name, or enrol it (cert-renewer enrol ${name} --profile ${profile}) and set "existing": true.`,
    );
  }
  if (enrolled === before?.profile && found.has(tags.declared)) return;
  throw new RenewalError(
    'InvalidRequest',
    `The secret ${name} is enrolled in the profile ${enrolled}, but declared in the profile ${profile}: declare it in ${enrolled}, or move it first (cert-renewer enrol ${name} --profile ${profile}).`,
  );
}

/** Gets the names of the present certificate from a dry run of the renew function, which may read the value. */
async function checkContent({ renewal }: DeclarationWorld, { name }: SecretSummary, declaration: Declaration) {
  const look = renewAnswer(await renewal.ask({ secretId: name, dryRun: true, force: true }));
  if (look.kind === 'failed') {
    // A declaration does not replace a value that is not a certificate.
    if (look.error.code === 'NotDeclared' || look.error.code === 'UnsupportedSecret') return;
    if (!brokenCertificate.has(look.error.code)) throw look.error;
    throw refused(name, `its certificate can't be used (${look.error.code})`);
  }
  const { sans, reason } = look.result;
  if (reason.code === 'Missing') return;
  if (sans !== null && sameNames(sans, declaration.names)) return;
  throw refused(name, `its certificate is for ${sans?.join(', ') || 'no name'}`);
}

const brokenCertificate: ReadonlySet<string> = new Set([
  ...['InvalidCertificate', 'KeyMismatch', 'WeakKey', 'PasswordRequired', 'CertificateExpired', 'NotYetValid'],
]);

const sameNames = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && [...some].sort().join('\n') === [...others].sort().join('\n');

const refused = (name: string, found: string) =>
  new RenewalError(
    'InvalidRequest',
    `The secret ${name} exists already, and ${found}: set "existing": true to have it replaced by the declared certificate, or declare another name.`,
  );
