/** Judges a declared certificate by its profile, as synthesis does: `cert-renewer declare` and tokens come only here. */
import type { Declaration } from '../domain/declaration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Profile } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import { type CertificateEntry, documentOf, entryProblems } from '../policy/certificate-entry.ts';
import { readDeclaration } from '../policy/declaration.ts';
import { declarationHash } from '../policy/declaration-identity.ts';
import { endpointProblem, parseEndpoint } from '../policy/endpoints.ts';
import { issuanceProblems } from '../policy/issuance.ts';
import { defaultUsagesOf, identityOf, issues, refusalsOf } from '../providers/index.ts';
import type { DeclarationWorld } from './world.ts';

/**
 * Validates the entry against its profile. Returns it with the usages that its CA has by default (`declared`), and its hash. Everything
 * except the secret is checked. Throws InvalidRequest, UnknownProfile, IssuanceNotAllowed.
 */
export async function judged(
  { profiles }: Pick<DeclarationWorld, 'profiles'>,
  name: string,
  entry: CertificateEntry,
): Promise<{ readonly declaration: Declaration; readonly declared: CertificateEntry; readonly hash: string }> {
  const [problem] = entryProblems(name, entry);
  if (problem)
    throw new RenewalError('InvalidRequest', `${['The declaration', ...problem.path].join('.')}: ${problem.message}.`);
  const profile = await profiles.find(entry.profile);
  if (profile === undefined) {
    throw new RenewalError(
      'UnknownProfile',
      `This stack has no profile ${entry.profile}: correct the declaration, or add the profile to the configuration and deploy.`,
    );
  }
  const declared = withUsages(entry, profile);
  const { declaration } = readDeclaration(documentOf(name, declared));
  checkIssuance(declaration, profile);
  checkEndpoints(entry, profile);
  return { declaration, declared, hash: declarationHash(declaration, profile, identityOf(profile.ca)) };
}

/** The worker reads the declaration without its profile, so the default of the profile's CA is written into it. */
function withUsages(entry: CertificateEntry, { ca }: Profile): CertificateEntry {
  const usages = entry.usages ?? defaultUsagesOf(ca);
  return usages === undefined ? entry : { ...entry, usages: [...usages] };
}

/** Throws IssuanceNotAllowed, and InvalidRequest for a shape that needs a password if the profile has none. */
function checkIssuance(declaration: Declaration, { name, issue, ca, passwordSecretId }: Profile): void {
  const refused = (message: string) => new RenewalError('IssuanceNotAllowed', message);
  if (issue === undefined) {
    throw refused(`The profile ${name} has no "issue", so it issues nothing: add issue.allow to it and deploy.`);
  }
  if (!issues(ca)) {
    throw refused(
      `The CA of the profile ${name} is configured for renewals only: declare the certificate in another profile.`,
    );
  }
  const problems = [...issuanceProblems(declaration, issue), ...refusedBy(ca, declaration)];
  if (problems.length > 0) throw refused(`The profile ${name} does not allow this: ${problems.join('; ')}.`);
  if (declaration.shape === 'pkcs12' && passwordSecretId === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      `The shape pkcs12 needs a password, but the profile ${name} has no passwordSecretId: add it, or declare another shape.`,
    );
  }
}

/** Throws InvalidRequest for an endpoint that the probe may not connect to. */
function checkEndpoints({ endpoints = [] }: CertificateEntry, { probe }: Profile): void {
  if (probe === undefined) return;
  for (const [index, text] of endpoints.entries()) {
    const endpoint = parseEndpoint(text);
    const problem = endpoint && endpointProblem(endpoint, probe);
    if (problem !== undefined) {
      throw new RenewalError('InvalidRequest', `The declaration.endpoints.${index}: ${quote(text)}: ${problem}.`);
    }
  }
}

/** Returns what the CA, as configured, does not certify in this declaration. */
function refusedBy(ca: Profile['ca'], { names, duration, key }: Declaration): readonly string[] {
  const refuses = refusalsOf(ca);
  const of = (what: string, problem: string | undefined) => (problem === undefined ? [] : [`${what}: ${problem}`]);
  return [
    ...names.flatMap((name) => of(name, refuses.name(ca, name))),
    ...(duration === undefined ? [] : of('duration', refuses.duration(ca))),
    ...(key === undefined ? [] : of('kty', refuses.key(ca, key))),
  ];
}
