/**
 * Which secret that is there already may be declared. What is in it gets replaced by what is declared, so that its owner has to have
 * meant it: it was declared before, holds nothing yet, or holds a certificate of these very names; or the declaration says `existing`.
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
  /** The declaration says that the secret is there. */
  readonly isExisting: boolean;
  readonly before: PreviousDeclaration | undefined;
  /** It has no value, or still the one that it was made with. */
  readonly isEmpty: boolean;
}

/** Throws SecretNotEnrolled, SecretNotFound, InvalidRequest. */
export async function checkTakeover(world: DeclarationWorld, secret: SecretSummary, claim: Claim): Promise<void> {
  checkIsOurs(world, secret);
  if (await world.isAuthority?.(secret)) {
    throw new RenewalError(
      'InvalidRequest',
      `The secret ${secret.name} is that of an authority of the stack, which has its own certificate: declare another secret.`,
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

/** Its own, or the one that the declaration before this one was in. */
function checkProfile({ name, tags: found }: SecretSummary, { declaration: { profile }, before }: Claim): void {
  const enrolled = found.get(tags.profile);
  if (enrolled === profile) return;
  if (enrolled === undefined) {
    throw new RenewalError(
      'SecretNotEnrolled',
      `There is a secret ${name} already, which is not enrolled: declare another name, or enrol it (cert-renewer enrol ${name} --profile ${profile}) and say "existing": true.`,
    );
  }
  if (enrolled === before?.profile && found.has(tags.declared)) return;
  throw new RenewalError(
    'InvalidRequest',
    `The secret ${name} is enrolled in the profile ${enrolled}, and declared in ${profile}: declare it in ${enrolled}, or move it first (cert-renewer enrol ${name} --profile ${profile}).`,
  );
}

/** The renew function, which may read the value, is asked what it would do: that tells the names. */
async function checkContent({ renewal }: DeclarationWorld, { name }: SecretSummary, declaration: Declaration) {
  const look = renewAnswer(await renewal.ask({ secretId: name, dryRun: true, force: true }));
  if (look.kind === 'failed') {
    // Nothing that a declaration would replace: what is no certificate stays as it is.
    if (look.error.code === 'NotDeclared' || look.error.code === 'UnsupportedSecret') return;
    if (!brokenCertificate.has(look.error.code)) throw look.error;
    throw refused(name, `what is in it is a certificate that can't be told (${look.error.code})`);
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
    `There is a secret ${name} already, and ${found}: say "existing": true to have it replaced by what is declared, or declare another name.`,
  );
