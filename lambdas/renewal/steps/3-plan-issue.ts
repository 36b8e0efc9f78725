/**
 * Step 3 of an issuance: what is declared, and whether it may be. The names are judged here again, whatever the deployment has let
 * through. Pure.
 */
import type { Declaration } from '../../domain/declaration.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { CaProvider } from '../../domain/ports.ts';
import type { Profile } from '../../domain/profile.ts';
import type { Signer } from '../../domain/signer.ts';
import { issuanceProblems } from '../../policy/issuance.ts';
import { mayKeepKey } from '../current-declaration.ts';
import { planDeclaredKey } from '../next-key.ts';
import type { Place } from '../place.ts';
import type { Plan } from './3-plan.ts';

/**
 * The declared certificate. Throws NotDeclared, IssuanceNotAllowed for what `issue` of the profile does not allow and for a CA that
 * issues nothing, and what planDeclaredKey throws.
 *
 * @param givenKey that the request has brought, or the one in KMS that the declaration names
 */
export function planIssue(place: Place, givenKey: Signer | undefined): Plan {
  const { declared, profile, provider, settings } = place;
  if (declared === undefined) throw notDeclared(place);
  const { declaration } = declared;
  refuseIssuance(declaration, profile, provider);
  const { names, subject, usages } = declaration;
  const present = place.leaf === undefined || mayKeepKey(declared, place, place) ? place : { leaf: place.leaf };
  const { key, warnings } = planDeclaredKey(present, declaration, settings.asked, givenKey);
  const duration = declaration.duration ?? profile.issue?.duration;
  const maxDuration = profile.issue?.maxDuration;
  const said = { names, subject, usages, duration, ...(maxDuration !== undefined && { maxDuration }) };
  return {
    wanted: { content: { kind: 'declared', ...said }, key, end: anyEnd },
    warnings,
  };
}

/** It may end before the one that is there: so it was declared. */
const anyEnd = { laterThan: Number.NEGATIVE_INFINITY, orEqual: true } as const;

function refuseIssuance(declaration: Declaration, profile: Profile, provider: CaProvider): void {
  const problems = notAllowed(declaration, profile, provider);
  if (problems.length === 0) return;
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  throw new RenewalError(
    'IssuanceNotAllowed',
    `The declared certificate may not be issued: ${problems.slice(0, 5).join('; ')}${more}. Change the declaration, or "issue" of profile ${profile.name}, and deploy.`,
  );
}

function notAllowed(declaration: Declaration, profile: Profile, provider: CaProvider): readonly string[] {
  if (declaration.profile !== profile.name) {
    return [`it is declared in profile ${declaration.profile}, and the secret is enrolled in ${profile.name}`];
  }
  if (profile.issue === undefined) return [`the profile ${profile.name} has no "issue", and so issues nothing`];
  if (!provider.issues) return [`the CA of profile ${profile.name} issues nothing as it is configured`];
  return issuanceProblems(declaration, profile.issue);
}

function notDeclared({ secret }: Place): RenewalError {
  return new RenewalError(
    'NotDeclared',
    `No certificate is declared for ${secret.name}: declare one in the configuration, or by cert-renewer declare.`,
  );
}
