/** The CAs, one folder each: what is asked of one outside of its folder is asked here. */
import { RenewalError } from '../domain/errors.ts';
import type { CaCapabilities } from '../domain/ports.ts';
import type { CaReference } from '../domain/profile.ts';
import type { CaKind, CaNeeds, OpenedCa } from './kind.ts';
import { kinds } from './kinds.ts';

/** It is worth keeping, one a profile and process. Throws Internal, and InvalidRequest for a CA that can't be asked so. */
export const openCa = async (ca: CaReference): Promise<OpenedCa> => kindOf(ca).open(ca);

export const capabilitiesOf = (ca: CaReference): CaCapabilities => kindOf(ca).can;

/** Whether the CA, as it is configured, issues what is declared. */
export const issues = (ca: CaReference): boolean => kindOf(ca).issues(ca);

/** What tells the CA from others, for the hash of a declaration. */
export const identityOf = (ca: CaReference): readonly unknown[] => [ca.type, ...kindOf(ca).identity(ca)];

export const needsOf = (ca: CaReference): CaNeeds => kindOf(ca).needs(ca);

/** PEM of the root that the profile names, if it does; in the configuration perhaps the name of a file. */
export const rootOf = (ca: CaReference): string | undefined => kindOf(ca).root(ca);

function kindOf({ type }: CaReference): CaKind {
  const found = kinds.find((kind) => kind.type === type);
  if (found) return found;
  throw new RenewalError('Internal', `This version knows no CA of type ${type}: deploy the stack again.`);
}
