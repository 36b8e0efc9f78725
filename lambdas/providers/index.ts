/** The CAs, a folder for each. Code outside of a folder uses it through this file. */
import type { DeclaredUsage } from '../domain/declaration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { CaCapabilities } from '../domain/ports.ts';
import type { CaReference } from '../domain/profile.ts';
import { type CaAdvice, type CaKind, type CaNeeds, type CaRefusals, type OpenedCa, textOf } from './kind.ts';
import { kinds } from './kinds.ts';

/** Opens a CA. A process should keep it, one for each profile. Throws Internal, and InvalidRequest for a CA that can't be called. */
export const openCa = async (ca: CaReference): Promise<OpenedCa> => kindOf(ca).open(ca);

export const capabilitiesOf = (ca: CaReference): CaCapabilities => kindOf(ca).can;

/** Whether the CA, as configured, issues declared certificates. */
export const issues = (ca: CaReference): boolean => kindOf(ca).issues(ca);

/** Returns the values that tell CAs apart, for the hash of a declaration. */
export const identityOf = (ca: CaReference): readonly unknown[] => [ca.type, ...kindOf(ca).identity(ca)];

export const needsOf = (ca: CaReference): CaNeeds => kindOf(ca).needs(ca);

/** Returns the root of the profile, if it has one: PEM text, or in a configuration file the name of a PEM file. */
export const rootOf = (ca: CaReference): string | undefined => pemFieldsOf(ca).get('root');

/** Whether the system's roots are trusted where the configuration names no root. */
export const trustsSystem = (ca: CaReference): boolean => kindOf(ca).trustsSystem === true;

/** Returns the fields with trusted roots that are set, each with PEM text, or in a configuration file with the name of a PEM file. */
export const pemFieldsOf = (ca: CaReference): ReadonlyMap<string, string> =>
  new Map(
    kindOf(ca).pemFields.flatMap((field) => {
      const text = textOf(ca[field]);
      return text === undefined ? [] : [[field, text]];
    }),
  );

/** Returns the usages of a certificate that declares none, where they are not the same as at every other CA. */
export const defaultUsagesOf = (ca: CaReference): readonly DeclaredUsage[] | undefined => kindOf(ca).defaultUsages;

/** Returns what a CA, as configured, does not certify. */
export const refusalsOf = (ca: CaReference): CaRefusals => kindOf(ca).refuses ?? nothing;

const nothing: CaRefusals = { name: () => undefined, duration: () => undefined, key: () => undefined };

/** Returns the kind's own advice. Empty for a type that this version does not know, for example in a newer stack. */
export const adviceOf = ({ type }: CaReference): CaAdvice => kinds.find((kind) => kind.type === type)?.advice ?? {};

function kindOf({ type }: CaReference): CaKind {
  const found = kinds.find((kind) => kind.type === type);
  if (found) return found;
  throw new RenewalError('Internal', `This version does not support CAs of type ${type}: deploy the stack again.`);
}
