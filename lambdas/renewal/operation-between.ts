/** The operation of an earlier try, for its late event (owed.ts): found from what it left behind. Pure. */
import type { Certificate } from '../domain/certificate.ts';
import type { CaCapabilities } from '../domain/ports.ts';
import type { Mode, Operation } from '../domain/profile.ts';
import { declarationIn } from '../domain/version-id.ts';
import { sameKey } from '../keys/spec.ts';
import type { Unannounced } from '../policy/unannounced.ts';
import { differences } from '../x509/correspondence.ts';
import { departures } from '../x509/declared-correspondence.ts';
import type { CurrentDeclaration } from './current-declaration.ts';

type Versions = Pick<Unannounced, 'versionId' | 'previousVersionId'>;

interface Terms {
  readonly declared: CurrentDeclaration | undefined;
  readonly provider: { readonly can: CaCapabilities };
}

/**
 * Derives the operation from two certificates. Only an issuance has no previous certificate or other content.
 */
export function operationBetween(
  { declared, provider: { can } }: Terms,
  certificate: Certificate | undefined,
  previous: Certificate | undefined,
  versions: Versions,
): Operation {
  const mode = certificate && previous && sameKey(certificate, previous) ? 'renew' : 'rekey';
  if (declared === undefined || certificate === undefined) return mode;
  if (previous === undefined) return 'issue';
  const copies = can.renews || can.rekeys;
  const isSame = copies
    ? hasSameContent(certificate, previous, mode)
    : (areOfOneDeclaration(versions) ?? areBothAsDeclared(certificate, previous, declared));
  return isSame ? mode : 'issue';
}

const hasSameContent = (certificate: Certificate, previous: Certificate, mode: Mode): boolean =>
  differences(previous, certificate, mode).length === 0;

/** Returns whether both versions were issued for one declaration, by their ids. Undefined if an id has no declaration. */
function areOfOneDeclaration({ versionId, previousVersionId = '' }: Versions): boolean | undefined {
  const [made, before] = [declarationIn(versionId), declarationIn(previousVersionId)];
  return made === undefined || before === undefined ? undefined : made === before;
}

/**
 * For a CA that issues every certificate by its declaration: it may change whatever is not declared. The certificates must have the same
 * declared usages, because a declaration that gains one was changed.
 */
function areBothAsDeclared(
  certificate: Certificate,
  previous: Certificate,
  { declaration }: CurrentDeclaration,
): boolean {
  const [came, was] = [departures(certificate, declaration), departures(previous, declaration)];
  const isAsDeclared = came.problems.length === 0 && was.problems.length === 0;
  return isAsDeclared && came.missing.join() === was.missing.join();
}
