/**
 * Step 3 of an issuance, and of every renewal at a CA that copies no certificates: plans the declared certificate and checks it against
 * `issue` of the profile. The deployment has checked it too, but the parameter may have been changed since. Pure.
 */
import type { Decision } from '../../domain/decision.ts';
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
 * Plans the declared certificate. Throws NotDeclared, IssuanceNotAllowed if the profile's `issue` does not allow it or the CA can't
 * issue, and the errors of planDeclaredKey.
 *
 * @param givenKey the request's key, or the declaration's key in KMS
 * @param action the decision. `renew` or `rekey`: the present certificate is as declared, and the CA issues it again to renew it. The
 *   operation is then what becomes of the key: `settings.asked` decides whether it stays.
 */
export function planIssue(place: Place, givenKey: Signer | undefined, action: Decision['action'] = 'issue'): Plan {
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
  const renewal = isRenewal(place, action) ? { isRenewal: true as const } : {};
  return {
    wanted: { content: { kind: 'declared', ...said, ...renewal }, key, end: anyEnd },
    warnings,
  };
}

/** Only a certificate that is as declared is renewed: its version's id and tags have the hash of the declaration. */
function isRenewal(place: Place, action: Decision['action']): boolean {
  return (action === 'renew' || action === 'rekey') && place.leaf !== undefined && place.isAsDeclared;
}

/** It may end earlier than the present certificate, because the declaration decides. */
const anyEnd = { laterThan: Number.NEGATIVE_INFINITY, orEqual: true } as const;

function refuseIssuance(declaration: Declaration, profile: Profile, provider: CaProvider): void {
  const problems = notAllowed(declaration, profile, provider);
  if (problems.length === 0) return;
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  throw new RenewalError(
    'IssuanceNotAllowed',
    `The declared certificate must not be issued: ${problems.slice(0, 5).join('; ')}${more}. Change the declaration, or "issue" of the profile ${profile.name}, and deploy.`,
  );
}

function notAllowed(declaration: Declaration, profile: Profile, provider: CaProvider): readonly string[] {
  if (declaration.profile !== profile.name) {
    return [
      `it is declared in the profile ${declaration.profile}, but the secret is enrolled in the profile ${profile.name}`,
    ];
  }
  if (profile.issue === undefined) return [`the profile ${profile.name} has no "issue", so it issues nothing`];
  if (!provider.issues) return [`the CA of the profile ${profile.name} is configured for renewals only`];
  return issuanceProblems(declaration, profile.issue);
}

function notDeclared({ secret, profile, provider: { can } }: Place): RenewalError {
  const why =
    can.renews || can.rekeys
      ? ''
      : `, and the CA of the profile ${profile.name} issues only declared certificates: it has no other way to renew one`;
  return new RenewalError(
    'NotDeclared',
    `No certificate is declared for ${secret.name}${why}. Declare it: in "certificates" of the configuration, then deploy, or with cert-renewer declare ${secret.name} --profile ${profile.name} --dns <name>.`,
  );
}
