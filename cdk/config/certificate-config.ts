/** Declared certificates: what one field alone can't say, judged by the rules that the worker has, and by what the configuration knows. */

import type { Declaration } from '../../lambdas/domain/declaration.ts';
import { formatDuration, parseWindow } from '../../lambdas/domain/duration.ts';
import { type CertificateEntry, documentOf, entryProblems } from '../../lambdas/policy/certificate-entry.ts';
import { type DeclarationProblem, nameFields, readDeclaration } from '../../lambdas/policy/declaration.ts';
import { issuanceProblems } from '../../lambdas/policy/issuance.ts';
import { needsOf } from '../../lambdas/providers/index.ts';
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
  knownDuration,
} from './issuance-config.ts';
import { mostParameterBytes } from './parameter-size.ts';
import { isToken, isTokenInList } from './token.ts';

type Config = Pick<ConfigDocument, 'profiles' | 'authorities' | 'caApi' | 'certificates'>;

/** All that is wrong with profiles that issue, and with the certificates that are declared. */
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

/** What tells why a certificate can't be declared by this configuration: nothing where it can. */
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
    ];
    const found = profileOf(config, entry);
    if ('problem' in found) return [...problems, { path: ['profile'], message: found.problem }];
    return [...problems, ...inProfile(name, entry, part, { ...found, limits: limits.get(entry.profile) })];
  };
}

/** Whether it is its own, as far as it is known at synthesis. */
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
      ? [{ path: [], message: `${bytes} bytes, and a declaration may have ${mostParameterBytes}: declare fewer names` }]
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
            message: 'a secret that is there keeps its key: remove this, and name the key under "encryptionKeys"',
          },
        ]
      : []),
  ];
}

/** A place in the known part of an entry, in the entry itself. */
function inEntry(
  [field, index]: DeclarationProblem['path'],
  indexes: KnownPart['indexes'],
): DeclarationProblem['path'] {
  if (field === undefined) return [];
  return index === undefined ? [field] : [field, indexes.get(String(field))?.[Number(index)] ?? index];
}

const lists = [...nameFields.map(([field]) => field), 'endpoints'] as const;

interface KnownPart {
  /** The entry without what only the deployment knows. */
  readonly known: CertificateEntry;
  /** Of each list: where its values stand in the entry. */
  readonly indexes: ReadonlyMap<string, readonly number[]>;
  readonly hasUnknownNames: boolean;
}

function knownPart(entry: CertificateEntry): KnownPart {
  const indexes = new Map<string, readonly number[]>();
  const fields = Object.entries(entry).filter(([field, value]) => {
    // Of a group that is judged as one, one token hides the others.
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
    return { problem: `no profile of that name; expected one of ${Object.keys(profiles).join(', ')}` };
  }
  if (profile.issue) return { name, profile, issue: profile.issue };
  return {
    problem: `the profile ${name} has no "issue", so that nothing is issued in it: add it, with the names that are allowed`,
  };
}

interface InProfile extends FoundProfile {
  readonly limits: AuthorityLimits | undefined;
}

/** What the profile, and its CA, do not let it be. */
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
    ...(needsPassword
      ? [{ path: ['shape'], message: `pkcs12 needs the "passwordSecretId" of the profile ${found.name}` }]
      : []),
  ];
}

/** One by one, so that each is told at its place. */
function nameProblems(secretName: string, entry: CertificateEntry, found: InProfile): readonly DeclarationProblem[] {
  return nameFields.flatMap(([field]) =>
    [...(entry[field] ?? []).entries()].flatMap(([index, value]) => {
      if (isTokenInList(value)) return [];
      const document = { secretName, profile: found.name, [field]: [value] };
      const { declaration } = readDeclaration(document); // without a name where it can't be read, which was told
      return [...outside(declaration, found), ...constrained(declaration, found)].map((message) => ({
        path: [field, index],
        message,
      }));
    }),
  );
}

function outside(declaration: Declaration, { name, issue: { allow } }: InProfile): readonly string[] {
  if (isToken(allow)) return [];
  const shown = allow.length > 5 ? [...allow.slice(0, 5), '…'] : allow;
  return issuanceProblems({ ...declaration, duration: undefined }, { allow }).map(
    (problem) => `${problem}, and the profile ${name} allows ${shown.join(', ')}`,
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

/** Of its own duration; the profile's was judged for itself. */
function durationProblemsOf(
  { duration, ...declaration }: Declaration,
  entry: CertificateEntry,
  { issue, limits }: InProfile,
): readonly DeclarationProblem[] {
  const maxDuration = knownDuration(issue.maxDuration);
  if (entry.duration === undefined) return usualDurationProblems(issue, limits, maxDuration);
  if (duration === undefined) return []; // a token, or told by entryProblems
  const withoutNames = { ...declaration, duration, names: [], subject: undefined };
  const own = issuanceProblems(withoutNames, { allow: [], ...(maxDuration !== undefined && { maxDuration }) });
  return [...own, ...durationProblems(duration, limits)].map((message) => ({ path: ['duration'], message }));
}

/** Of what an own authority issues where nobody says for how long. */
function usualDurationProblems(
  { duration }: InProfile['issue'],
  limits: AuthorityLimits | undefined,
  maxDuration: number | undefined,
): readonly DeclarationProblem[] {
  if (duration !== undefined || limits === undefined || maxDuration === undefined) return [];
  const own = limits.claims.defaultDuration ?? usualDuration;
  if (own <= maxDuration) return [];
  const message = `the authority ${limits.name} issues for ${formatDuration(own)} where none is declared, and issue.maxDuration is ${formatDuration(maxDuration)}: declare one, or set issue.duration`;
  return [{ path: ['duration'], message }];
}

/** Where neither declaration nor profile names one, as an own authority has it (lambdas/authority/rules.ts). */
const usualDuration = 24 * 60 * 60 * 1000;

/** Not less than the validity, it would be renewed for ever, or never. */
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

/** Milliseconds; undefined for a percentage, which is always less. */
function windowLength(text: string | null | undefined): number | undefined {
  if (text == null || isToken(text)) return undefined;
  try {
    const window = parseWindow(text, '', 'InvalidRequest');
    return window.kind === 'duration' ? window.milliseconds : undefined;
  } catch {
    return undefined; // told by entryProblems
  }
}

/** A secret that the configuration names for something else. */
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
      ...(isToken(ca) ? [] : needsOf(ca).secrets.map((id) => ({ id, what: `what the profile ${name} shows its CA` }))),
    ]),
    { id: caApi?.tokenSecretId, what: 'the tokens of the API' },
  ];
  return found.filter((each): each is Taken => each.id !== undefined && !isToken(each.id));
}

function takenProblem(name: string, { id, what }: Taken): readonly DeclarationProblem[] {
  const [, ofArn] = /^arn:(?:[^:]*:){5}(.*)$/.exec(id) ?? [];
  const names = ofArn === undefined ? [id] : [ofArn, ofArn.replace(/-[A-Za-z0-9]{6}$/, '')];
  if (!names.includes(name)) return [];
  return [{ path: [], message: `the secret of that name holds ${what}: take another name` }];
}

/** Keys in KMS that sign certificates, or for a CA: who may use a certificate's key would sign these things with it. */
function takenKeys({ profiles, authorities = {} }: Config): readonly Taken[] {
  const found = [
    ...Object.entries(authorities).map(([name, { kmsKeyArn }]) => ({ id: kmsKeyArn, what: `the authority ${name}` })),
    ...Object.entries(profiles).flatMap(([name, { ca }]) =>
      isToken(ca) ? [] : needsOf(ca).signingKeys.map((id) => ({ id, what: `the provisioner of the profile ${name}` })),
    ),
  ];
  return found.filter((each): each is Taken => each.id !== undefined && !isToken(each.id));
}

function takenKeyProblem({ kmsKeyId }: CertificateEntry, { id, what }: Taken): readonly DeclarationProblem[] {
  if (kmsKeyId === undefined || (kmsKeyId !== id && !id.endsWith(`/${kmsKeyId}`))) return [];
  return [{ path: ['kmsKeyId'], message: `it is the key of ${what}, which signs for nothing else: take another key` }];
}
