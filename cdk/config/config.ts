/** Reads and validates cert-renewer.json and the props of the construct. Reports all mistakes at once. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Schedule } from '../../lambdas/domain/schedule.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { cronSchedule } from '../../lambdas/policy/cron.ts';
import { rateSchedule } from '../../lambdas/policy/schedule.ts';
import { pemFieldsOf } from '../../lambdas/providers/index.ts';
import { toProbeTerms, toProfile } from '../../lambdas/providers/profile.ts';
import { checkAuthorities } from './authority-config.ts';
import { certificateJudge, checkCertificates } from './certificate-config.ts';
import { ConfigError, type Problem } from './config-error.ts';
import { type ConfigDocument, configSchema, type ProfileConfig } from './config-schema.ts';
import { configPath, explain, valueAt } from './explain.ts';
import { checkHooks } from './hook-config.ts';
import { authorityLimits } from './issuance-config.ts';
import { parseJsonText } from './json-text.ts';
import { readRoot } from './root-certificates.ts';
import { isToken } from './token.ts';

/** A valid configuration. The trusted roots of a profile are PEM text or tokens, and each `caConfig` is an absolute path. */
export type Config = Omit<ConfigDocument, '$schema'>;

/** The origin of a configuration. */
export interface ConfigOrigin {
  /** The file or the construct, for messages. */
  readonly source: string;
  /** The directory that relative file names start from. */
  readonly baseDirectory: string;
}

/** Reads and validates a configuration file. Throws ConfigError, which lists all mistakes. */
export function readConfigFile(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    throw new ConfigError(file, [
      {
        path: '$',
        message: `the file can't be read (${code}); write one with cert-renewer init, or name another with -c config=path (with --config in cert-renewer)`,
      },
    ]);
  }
  const parsed = parseJsonText(text);
  if ('problems' in parsed) throw new ConfigError(file, parsed.problems);
  return validateConfig(parsed.value, { source: file, baseDirectory: dirname(resolve(file)) });
}

/**
 * Validates a file's content or props. Props may contain CDK tokens; most of them are accepted as they are. The schedule must be known,
 * because the periods of the alarms depend on it. Throws ConfigError, which lists all mistakes.
 */
export function validateConfig(input: unknown, origin: ConfigOrigin): Config {
  const fail = (problems: readonly Problem[]): never => {
    throw new ConfigError(origin.source, problems);
  };
  const problems = schemaProblems(input);
  if (problems.length > 0) return fail(problems);
  const document = input as ConfigDocument; // zod found no problem except in tokens, and it changes no value
  const roots: RootsOfProfiles = new Map();
  const further = [
    ...checkSchedule(document),
    ...Object.entries(document.profiles).flatMap(([name, profile]) => checkProfile(name, profile)),
    ...checkProfiles(document),
    ...checkProbe(document),
    ...checkAuthorities(document, origin.baseDirectory),
    ...checkCertificates(document, origin.baseDirectory),
    ...checkHooks(document),
    ...readRoots(document, origin, roots),
  ];
  if (further.length > 0) return fail(further);
  const { $schema: _, ...config } = document;
  const { authorities } = config;
  return {
    ...config,
    ...withCertificateKeys(config),
    profiles: withRoots(document.profiles, roots),
    ...(authorities && { authorities: withAbsolutePaths(authorities, origin.baseDirectory) }),
  };
}

/** Validates the certificate that a construct declares in a valid configuration. Throws ConfigError with paths within the entry. */
export function validateCertificate(source: string, config: Config, name: string, entry: CertificateEntry): void {
  const fail = (problems: readonly Problem[]): never => {
    throw new ConfigError(source, problems);
  };
  if (isToken(name))
    fail([{ path: configPath('secretName'), message: 'it must be known at synthesis; found a token' }]);
  const wrong = schemaProblems({ profiles: {}, certificates: { [name]: entry } });
  if (wrong.length > 0) {
    const place = configPath('certificates', name);
    fail(wrong.map(({ path, message }) => ({ path: path.replace(place, configPath()), message })));
  }
  const further = certificateJudge(config, authorityLimits(config, ''))(name, entry);
  if (further.length > 0) fail(further.map(({ path, message }) => ({ path: configPath(...path), message })));
}

/** Returns the schema's problems, except those of tokens. */
function schemaProblems(input: unknown): readonly Problem[] {
  return (configSchema.safeParse(input).error?.issues ?? [])
    .filter((issue) => !isToken(valueAt(input, issue.path)))
    .flatMap((issue) => explain(issue, input));
}

/** Returns the schedule of a valid configuration. */
export function configSchedule(config: Pick<Config, 'schedule' | 'scheduleTimezone'>): Schedule {
  const expression = config.schedule ?? 'rate(1 hour)';
  return expression.startsWith('cron(') ? cronSchedule(expression, config.scheduleTimezone) : rateSchedule(expression);
}

function checkSchedule(config: ConfigDocument): readonly Problem[] {
  const path = configPath('schedule');
  if (isToken(config.schedule) || isToken(config.scheduleTimezone)) {
    return [
      {
        path,
        message: 'it must be known at synthesis, because the periods of the alarms depend on it; found a token',
      },
    ];
  }
  try {
    configSchedule(config);
    return [];
  } catch (thrown) {
    const ofZone = thrown instanceof RenewalError && thrown.message.includes('time zone');
    return [{ path: ofZone ? configPath('scheduleTimezone') : path, message: messageOf(thrown) }];
  }
}

/** Checks the fields that depend on each other, by the rules of tags and requests. */
function checkProfile(name: string, { hooks: _, ...profile }: ProfileConfig): readonly Problem[] {
  // The workers check the profile again when they read it.
  if ([...Object.values(profile), ...Object.values(profile.issue ?? {})].some(isToken)) return [];
  const path = configPath('profiles', name);
  return problemsAt(path, () => toProfile(name, profile, path));
}

function checkProbe({ probe }: ConfigDocument): readonly Problem[] {
  if (probe === undefined || isToken(probe.within)) return [];
  const path = configPath('probe');
  return problemsAt(path, () => toProbeTerms(probe, path));
}

/** Returns the problem that `read` throws. */
function problemsAt(path: string, read: () => unknown): readonly Problem[] {
  try {
    read();
    return [];
  } catch (thrown) {
    // The message begins with the path of the field.
    const [whole = path, rest] = /^(\$\S+) (.*)$/s.exec(messageOf(thrown))?.slice(1) ?? [];
    return [{ path: whole, message: rest ?? messageOf(thrown) }];
  }
}

function checkProfiles({ profiles }: ConfigDocument): readonly Problem[] {
  if (Object.keys(profiles).length > 0) return [];
  return [{ path: configPath('profiles'), message: 'found no profile; expected at least one' }];
}

/** PEM text, by the profile and then by the field of its CA. */
type RootsOfProfiles = Map<string, ReadonlyMap<string, string>>;

/** Reads the roots into `roots`. */
function readRoots(config: ConfigDocument, origin: ConfigOrigin, roots: RootsOfProfiles): readonly Problem[] {
  return Object.entries(config.profiles).flatMap(([name, { ca }]) => {
    const read = new Map<string, string>();
    roots.set(name, read);
    return [...(isToken(ca) ? [] : pemFieldsOf(ca))].flatMap(([field, text]) => {
      if (isToken(text)) return [];
      try {
        read.set(field, readRoot(text, origin.baseDirectory));
        return [];
      } catch (thrown) {
        return [{ path: configPath('profiles', name, 'ca', field), message: messageOf(thrown) }];
      }
    });
  });
}

function withRoots(profiles: Config['profiles'], roots: RootsOfProfiles): Config['profiles'] {
  return Object.fromEntries(
    Object.entries(profiles).map(([name, profile]) => {
      const read = roots.get(name) ?? new Map();
      return [name, read.size === 0 ? profile : { ...profile, ca: { ...profile.ca, ...Object.fromEntries(read) } }];
    }),
  );
}

/** Adds the customer keys of declared certificates to `encryptionKeys`. */
function withCertificateKeys({
  encryptionKeys = [],
  certificates = {},
}: Pick<Config, 'encryptionKeys' | 'certificates'>): Pick<Config, 'encryptionKeys'> {
  const own = Object.values(certificates).flatMap(({ encryptionKey }) => encryptionKey ?? []);
  return own.length === 0 ? {} : { encryptionKeys: [...new Set([...encryptionKeys, ...own])] };
}

function withAbsolutePaths(
  authorities: NonNullable<Config['authorities']>,
  baseDirectory: string,
): NonNullable<Config['authorities']> {
  return Object.fromEntries(
    Object.entries(authorities).map(([name, authority]) => {
      const { caConfig } = authority;
      return [name, caConfig === undefined ? authority : { ...authority, caConfig: resolve(baseDirectory, caConfig) }];
    }),
  );
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
