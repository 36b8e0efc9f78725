/** Checks declared certificates by the rules of the worker, and by the rest of the configuration. */

import type { Declaration } from '../../lambdas/domain/declaration.ts';
import { formatDuration, parseWindow } from '../../lambdas/domain/duration.ts';
import { suggestion } from '../../lambdas/domain/nearest.ts';
import { type CertificateEntry, documentOf, entryProblems } from '../../lambdas/policy/certificate-entry.ts';
import { type DeclarationProblem, nameFields, readDeclaration } from '../../lambdas/policy/declaration.ts';
import { endpointProblem, parseEndpoint } from '../../lambdas/policy/endpoints.ts';
import { issuanceProblems } from '../../lambdas/policy/issuance.ts';
import { needsOf, refusalsOf } from '../../lambdas/providers/index.ts';
import { generalNameOf } from '../../lambdas/x509/declared-names.ts';
import { constraintProblem } from '../../lambdas/x509/name-constraints.ts';
import type { Problem } from './config-error.ts';
import { type ConfigDocument, keyArn, type ProfileConfig } from './config-schema.ts';
import { configPath } from './explain.ts';
import {
  type AuthorityLimits,
  authorityLimits,
  checkIssuance,
  durationProblems,
  keyField,
  knownDuration,
} from './issuance-config.ts';
import { mostParameterBytes } from './parameter-size.ts';
import { isToken, isTokenInList } from './token.ts';

type Config = Pick<ConfigDocument, 'profiles' | 'authorities' | 'caApi' | 'certificates' | 'probe'>;

/** Checks the profiles' `issue` and the declared certificates. */
export function checkCertificates(config: Config, baseDirectory: string): readonly Problem[] {
  const limits = authorityLimits(config, baseDirectory);
  const judge = certificateJudge(config, limits);
  return [
    ...checkIssuance(config, limits),
    ...Object.entries(config.certificates ?? {}).flatMap(([name, entry]) =>
      judge(name, entry).map(({ path, message }) => ({ path: configPath('certificates', name, ...path), message })),
    ),
  ];
}

/** Returns a function that lists the reasons why the configuration does not allow a certificate. An empty list: it is allowed. */
export function certificateJudge(
  config: Config,
  limits: ReturnType<typeof authorityLimits>,
): (name: string, entry: CertificateEntry) => readonly DeclarationProblem[] {
  const taken = takenSecrets(config);
  const keys = takenKeys(config);
  return (name, entry) => {
    const part = knownPart(entry);
    const problems = [
      ...entryOnly(name, entry, part),
      ...taken.flatMap((each) => takenProblem(name, each)),
      ...keys.flatMap((each) => takenKeyProblem(entry, each)),
      ...endpointsOutside(config, entry),
    ];
    const found = profileOf(config, entry);
    if ('problem' in found) return [...problems, { path: ['profile'], message: found.problem }];
    return [...problems, ...inProfile(name, entry, part, { ...found, limits: limits.get(entry.profile) })];
  };
}

/** Checks an entry by itself, as far as its values are known at synthesis. */
function entryOnly(
  name: string,
  { encryptionKey, existing }: CertificateEntry,
  { known, indexes, hasUnknownNames }: KnownPart,
): readonly DeclarationProblem[] {
  const own = entryProblems(name, known)
    .filter(({ path }) => path.length > 0 || !hasUnknownNames)
    .map(({ path, message }) => ({ path: inEntry(path, indexes), message }));
  const bytes = Buffer.byteLength(JSON.stringify(documentOf(name, known)));
  return [
    ...own,
    ...(bytes > mostParameterBytes
      ? [
          {
            path: [],
            message: `found ${bytes} bytes; a declaration may have ${mostParameterBytes}: declare fewer names`,
          },
        ]
      : []),
    ...(encryptionKey === undefined || isToken(encryptionKey) || keyArn().safeParse(encryptionKey).success
      ? []
      : [
          {
            path: ['encryptionKey'],
            message: 'expected the ARN of a KMS key: arn:aws:kms:<region>:<account>:key/<id>',
          },
        ]),
    ...(existing && encryptionKey !== undefined
      ? [
          {
            path: ['encryptionKey'],
            message: 'an existing secret keeps its key: remove this field, and name the key under "encryptionKeys"',
          },
        ]
      : []),
  ];
}

/** Converts a path within the known part of an entry into a path within the entry. */
function inEntry(
  [field, index]: DeclarationProblem['path'],
  indexes: KnownPart['indexes'],
): DeclarationProblem['path'] {
  if (field === undefined) return [];
  return index === undefined ? [field] : [field, indexes.get(String(field))?.[Number(index)] ?? index];
}

const lists = [...nameFields.map(([field]) => field), 'endpoints'] as const;

interface KnownPart {
  /** The entry without tokens. */
  readonly known: CertificateEntry;
  /** For each list, the indexes of its known values in the entry. */
  readonly indexes: ReadonlyMap<string, readonly number[]>;
  readonly hasUnknownNames: boolean;
}

function knownPart(entry: CertificateEntry): KnownPart {
  const indexes = new Map<string, readonly number[]>();
  const fields = Object.entries(entry).filter(([field, value]) => {
    // kty, curve and size are checked together: without kty the others can't be checked.
    const ofKey = field === 'curve' || field === 'size';
    return !(isToken(value) && !Array.isArray(value)) && !(ofKey && isToken(entry.kty));
  });
  const known = Object.fromEntries(fields) as CertificateEntry;
  let hasUnknownNames = false;
  for (const field of lists) {
    const values = entry[field];
    if (values === undefined || !isToken(values)) continue;
    const kept = [...values.entries()].filter(([, value]) => !isTokenInList(value));
    indexes.set(
      field,
      kept.map(([index]) => index),
    );
    known[field] = kept.map(([, value]) => value);
    hasUnknownNames ||= field !== 'endpoints';
  }
  return { known, indexes, hasUnknownNames };
}

interface FoundProfile {
  readonly name: string;
  readonly profile: ProfileConfig;
  readonly issue: NonNullable<ProfileConfig['issue']>;
}

function profileOf({ profiles }: Config, { profile: name }: CertificateEntry): FoundProfile | { problem: string } {
  if (isToken(name)) return { problem: 'it must be known at synthesis; found a token' };
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) {
    const known = Object.keys(profiles);
    return { problem: `no profile of that name${suggestion(name, known)}; expected one of ${known.join(', ')}` };
  }
  if (profile.issue) return { name, profile, issue: profile.issue };
  return {
    problem: `the profile ${name} has no "issue", so it issues nothing: add "issue", with the allowed names`,
  };
}

interface InProfile extends FoundProfile {
  readonly limits: AuthorityLimits | undefined;
}

/** Checks an entry by the rules of its profile and of the profile's CA. */
function inProfile(
  name: string,
  entry: CertificateEntry,
  { known, hasUnknownNames }: KnownPart,
  found: InProfile,
): readonly DeclarationProblem[] {
  const { declaration } = readDeclaration(documentOf(name, known));
  const needsPassword = entry.shape === 'pkcs12' && found.profile.passwordSecretId === undefined;
  return [
    ...nameProblems(name, entry, found),
    ...(hasUnknownNames ? [] : subjectProblems(declaration, entry, found)),
    ...durationProblemsOf(declaration, entry, found),
    ...windowProblems(declaration, entry, found),
    ...keyProblems(declaration, found),
    ...(needsPassword
      ? [{ path: ['shape'], message: `pkcs12 needs the "passwordSecretId" of the profile ${found.name}` }]
      : []),
  ];
}

/** Checks each name by itself, so that the path of a problem is the name's. */
function nameProblems(secretName: string, entry: CertificateEntry, found: InProfile): readonly DeclarationProblem[] {
  return nameFields.flatMap(([field]) =>
    [...(entry[field] ?? []).entries()].flatMap(([index, value]) => {
      if (isTokenInList(value)) return [];
      const document = { secretName, profile: found.name, [field]: [value] };
      const { declaration } = readDeclaration(document); // A name that can't be read is left out; entryProblems reports it.
      return [...outside(declaration, found), ...constrained(declaration, found), ...refused(declaration, found)].map(
        (message) => ({
          path: [field, index],
          message,
        }),
      );
    }),
  );
}

function outside(declaration: Declaration, { name, issue: { allow } }: InProfile): readonly string[] {
  if (isToken(allow)) return [];
  const shown = allow.length > 5 ? [...allow.slice(0, 5), '…'] : allow;
  return issuanceProblems({ ...declaration, duration: undefined }, { allow }).map(
    (problem) => `${problem}; the profile ${name} allows ${shown.join(', ')}`,
  );
}

function constrained({ names }: Declaration, { limits }: InProfile): readonly string[] {
  return names.flatMap((text) =>
    (limits?.constraints ?? []).flatMap(({ authority, ...constraints }) => {
      const problem = constraintProblem(generalNameOf(text), constraints);
      return problem === undefined ? [] : [`the nameConstraints of the authority ${authority} forbid it: ${problem}`];
    }),
  );
}

/** Returns why the CA of the profile does not certify these names. */
function refused({ names }: Declaration, { profile: { ca } }: InProfile): readonly string[] {
  return isToken(ca) ? [] : names.flatMap((name) => refusalsOf(ca).name(ca, name) ?? []);
}

/** Checks the key of the entry. checkIssuance checks the profile's. */
function keyProblems({ key }: Declaration, { profile: { ca } }: InProfile): readonly DeclarationProblem[] {
  const message = key === undefined || isToken(ca) ? undefined : refusalsOf(ca).key(ca, key);
  return key === undefined || message === undefined ? [] : [{ path: [keyField(key)], message }];
}

function subjectProblems(
  declaration: Declaration,
  entry: CertificateEntry,
  found: InProfile,
): readonly DeclarationProblem[] {
  const ofNames = outside({ ...declaration, subject: undefined }, found);
  const path = [entry.subject === undefined ? 'commonName' : 'subject'];
  return outside(declaration, found)
    .filter((message) => !ofNames.includes(message))
    .map((message) => ({ path, message }));
}

/** Checks the duration of the entry. checkIssuance checks the profile's. */
function durationProblemsOf(
  { duration, ...declaration }: Declaration,
  entry: CertificateEntry,
  { issue, limits, profile: { ca } }: InProfile,
): readonly DeclarationProblem[] {
  const maxDuration = knownDuration(issue.maxDuration);
  if (entry.duration === undefined) return usualDurationProblems(issue, limits, maxDuration);
  const refusal = isToken(ca) ? undefined : refusalsOf(ca).duration(ca);
  if (refusal !== undefined) return [{ path: ['duration'], message: refusal }];
  if (duration === undefined) return []; // a token, or entryProblems reports it
  const withoutNames = { ...declaration, duration, names: [], subject: undefined };
  const own = issuanceProblems(withoutNames, { allow: [], ...(maxDuration !== undefined && { maxDuration }) });
  return [...own, ...durationProblems(duration, limits)].map((message) => ({ path: ['duration'], message }));
}

/** Checks the default duration of an authority, if neither the entry nor the profile has one. */
function usualDurationProblems(
  { duration }: InProfile['issue'],
  limits: AuthorityLimits | undefined,
  maxDuration: number | undefined,
): readonly DeclarationProblem[] {
  if (duration !== undefined || limits === undefined || maxDuration === undefined) return [];
  const own = limits.claims.defaultDuration ?? usualDuration;
  if (own <= maxDuration) return [];
  const message = `missing; without it the authority ${limits.name} issues for ${formatDuration(own)}, and issue.maxDuration is ${formatDuration(maxDuration)}: declare a duration, or set issue.duration`;
  return [{ path: ['duration'], message }];
}

/** The default duration of the stack's authorities (lambdas/authority/rules.ts). */
const usualDuration = 24 * 60 * 60 * 1000;

/** Checks that window and period are shorter than the validity. Otherwise the certificate would always, or never, be due. */
function windowProblems(
  declaration: Declaration,
  entry: CertificateEntry,
  { issue, limits }: InProfile,
): readonly DeclarationProblem[] {
  const isUnknown = isToken(entry.duration) || (declaration.duration === undefined && isToken(issue.duration));
  const ofAuthority = limits && (limits.claims.defaultDuration ?? usualDuration);
  const validity = isUnknown ? undefined : (declaration.duration ?? knownDuration(issue.duration) ?? ofAuthority);
  if (validity === undefined) return [];
  const fields = {
    expiresIn: windowLength(entry.expiresIn),
    rekeyPeriod: knownDuration(entry.rekeyPeriod ?? undefined),
  };
  return Object.entries(fields).flatMap(([field, length]) =>
    length === undefined || length < validity
      ? []
      : [{ path: [field], message: `expected less than the duration of the certificate, ${formatDuration(validity)}` }],
  );
}

/** Returns milliseconds; undefined for a percentage, which is always less than the validity. */
function windowLength(text: string | null | undefined): number | undefined {
  if (text == null || isToken(text)) return undefined;
  try {
    const window = parseWindow(text, '', 'InvalidRequest');
    return window.kind === 'duration' ? window.milliseconds : undefined;
  } catch {
    return undefined; // entryProblems reports it
  }
}

/** Checks each endpoint by `probe.allow`. entryProblems checks its form. */
function endpointsOutside({ probe }: Config, { endpoints = [] }: CertificateEntry): readonly DeclarationProblem[] {
  if (probe === undefined || isToken(probe.allow)) return [];
  return [...endpoints.entries()].flatMap(([index, text]) => {
    const endpoint = isTokenInList(text) ? undefined : parseEndpoint(text);
    const message = endpoint && endpointProblem(endpoint, probe);
    return message === undefined ? [] : [{ path: ['endpoints', index], message }];
  });
}

/** A secret or a KMS key that the configuration uses for something else. */
interface Taken {
  readonly id: string;
  readonly what: string;
}

function takenSecrets({ profiles, authorities = {}, caApi }: Config): readonly Taken[] {
  const found = [
    ...Object.entries(authorities).flatMap(([name, { secretId, passwordSecretId }]) => [
      { id: secretId, what: `the certificate of the authority ${name}` },
      { id: passwordSecretId, what: `the password of the authority ${name}` },
    ]),
    ...Object.entries(profiles).flatMap(([name, { passwordSecretId, ca }]) => [
      { id: passwordSecretId, what: `the password of the profile ${name}` },
      ...(isToken(ca)
        ? []
        : needsOf(ca).secrets.map((id) => ({ id, what: `the credentials of the profile ${name} at its CA` }))),
    ]),
    { id: caApi?.tokenSecretId, what: 'the tokens of the API' },
  ];
  return found.filter((each): each is Taken => each.id !== undefined && !isToken(each.id));
}

function takenProblem(name: string, { id, what }: Taken): readonly DeclarationProblem[] {
  const [, ofArn] = /^arn:(?:[^:]*:){5}(.*)$/.exec(id) ?? [];
  const names = ofArn === undefined ? [id] : [ofArn, ofArn.replace(/-[A-Za-z0-9]{6}$/, '')];
  if (!names.includes(name)) return [];
  return [{ path: [], message: `the secret of this name holds ${what}; expected another name` }];
}

/** KMS keys of authorities, provisioners and accounts. If one were a certificate's key too, users of the certificate could issue with it. */
function takenKeys({ profiles, authorities = {} }: Config): readonly Taken[] {
  const found = [
    ...Object.entries(authorities).map(([name, { kmsKeyArn }]) => ({ id: kmsKeyArn, what: `the authority ${name}` })),
    ...Object.entries(profiles).flatMap(([name, { ca }]) =>
      isToken(ca) ? [] : needsOf(ca).signingKeys.map((id) => ({ id, what: `the profile ${name} at its CA` })),
    ),
  ];
  return found.filter((each): each is Taken => each.id !== undefined && !isToken(each.id));
}

function takenKeyProblem({ kmsKeyId }: CertificateEntry, { id, what }: Taken): readonly DeclarationProblem[] {
  if (kmsKeyId === undefined || (kmsKeyId !== id && !id.endsWith(`/${kmsKeyId}`))) return [];
  return [
    { path: ['kmsKeyId'], message: `this is the key of ${what}, which signs for nothing else; expected another key` },
  ];
}
