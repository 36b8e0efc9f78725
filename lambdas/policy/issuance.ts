/**
 * Checks a declaration against `issue` of its profile: the allowed names and durations. Synthesis checks it, and the worker checks
 * it again before it asks the CA, because the parameter may have been changed outside of the deployment. Pure.
 */
import type { Declaration } from '../domain/declaration.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Issuance } from '../domain/profile.ts';
import { generalNameOf, readDeclaredName } from '../x509/declared-names.ts';
import { constraintBase } from '../x509/extension-values.ts';
import { isWithinAny } from '../x509/name-constraints.ts';
import { relativeNames } from '../x509/names.ts';
import { oids } from '../x509/oids.ts';
import { decodeString } from '../x509/strings.ts';

/** Returns the entries that are not valid in `issue.allow`. */
export function unknownBases(allow: readonly string[]): readonly string[] {
  return allow.filter((text) => !/^cn:./s.test(text) && constraintBase(text) === undefined);
}

/** Returns the reasons against issuing this declaration. Empty: it may be issued. */
export function issuanceProblems(declaration: Declaration, issue: Issuance): readonly string[] {
  const bases = issue.allow.flatMap((text) => constraintBase(text) ?? []);
  const outside = (name: string): boolean => !isWithinAny(generalNameOf(name), bases);
  const duration = declaration.duration ?? issue.duration;
  return [
    ...declaration.names.filter(outside).map((name) => `${name} is outside of issue.allow`),
    ...subjectProblems(declaration, issue, outside),
    ...(duration !== undefined && issue.maxDuration !== undefined && duration > issue.maxDuration
      ? [
          `the duration ${formatDuration(duration)} is more than issue.maxDuration, ${formatDuration(issue.maxDuration)}`,
        ]
      : []),
  ];
}

/** Checks the names in the subject too, because some clients still use them. */
function subjectProblems(
  { subject, names }: Declaration,
  { allow }: Issuance,
  outside: (name: string) => boolean,
): readonly string[] {
  if (subject === undefined) return [];
  const isName = (text: string): boolean =>
    names.some((name) => {
      const colon = name.indexOf(':');
      if (name.slice(colon + 1) === text) return true;
      const [kind] = (['dns', 'ip'] as const).filter((each) => each === name.slice(0, colon));
      const read = kind && readDeclaredName(kind, text); // a host in upper case, another form of an address
      return read?.ok === true && read.text === name;
    });
  return relativeNames(subject)
    .flat()
    .flatMap(({ type, value }) => {
      const text = decodeString(value) ?? '';
      if (type === oids.commonName && !isName(text) && !allow.includes(`cn:${text}`)) {
        return [`the common name is not one of the certificate's names, and issue.allow does not contain cn:${text}`];
      }
      if (type !== oids.emailAddress) return [];
      const address = readDeclaredName('email', text);
      if (!address.ok) return ['the e-mail address in the subject is not valid'];
      return outside(address.text) ? ['the e-mail address in the subject is outside of issue.allow'] : [];
    });
}
