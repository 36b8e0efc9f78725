/** cert-renewer.json and the props of the construct: read, validated, and all that is wrong told at once. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Schedule } from '../../lambdas/domain/schedule.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { cronSchedule } from '../../lambdas/policy/cron.ts';
import { rateSchedule } from '../../lambdas/policy/schedule.ts';
import { rootOf } from '../../lambdas/providers/index.ts';
import { toProfile } from '../../lambdas/providers/profile.ts';
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

/** A valid configuration: each profile's `root` is PEM text (or an unresolved token), each `caConfig` an absolute path. */
export type Config = Omit<ConfigDocument, '$schema'>;

export interface ConfigOrigin {
  /** For messages: the file, or the construct. */
  readonly source: string;
  /** Where the files that it names are looked for. */
  readonly baseDirectory: string;
}

/** Reads and validates a configuration file. Throws ConfigError. */
export function readConfigFile(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    throw new ConfigError(file, [
      {
        path: '$',
        message: `the file can't be read (${code}). Copy examples/cert-renewer.json to it, or name another one with -c config=path`,
      },
    ]);
  }
  const parsed = parseJsonText(text);
  if ('problems' in parsed) throw new ConfigError(file, parsed.problems);
  return validateConfig(parsed.value, { source: file, baseDirectory: dirname(resolve(file)) });
}

/**
 * Validates what came from a file or from props, where it may hold CDK tokens: a value that is only known at deployment
 * is let through, but for the schedule, which sizes the alarms. Throws ConfigError.
 */
export function validateConfig(input: unknown, origin: ConfigOrigin): Config {
  const fail = (problems: readonly Problem[]): never => {
    throw new ConfigError(origin.source, problems);
  };
  const problems = schemaProblems(input);
  if (problems.length > 0) return fail(problems);
  const document = input as ConfigDocument; // zod's word for it: it found no fault but in tokens, and changes nothing
  const roots = new Map<string, string>();
  const further = [
    ...checkSchedule(document),
    ...Object.entries(document.profiles).flatMap(([name, profile]) => checkProfile(name, profile)),
    ...checkProfiles(document),
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

/**
 * Validates a certificate that a construct declares beside a valid configuration. Throws ConfigError, whose paths are within
 * the entry.
 */
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

/** But for values that only the deployment knows. */
function schemaProblems(input: unknown): readonly Problem[] {
  return (configSchema.safeParse(input).error?.issues ?? [])
    .filter((issue) => !isToken(valueAt(input, issue.path)))
    .flatMap((issue) => explain(issue, input));
}

/** The schedule of a valid configuration. */
export function configSchedule(config: Pick<Config, 'schedule' | 'scheduleTimezone'>): Schedule {
  const expression = config.schedule ?? 'rate(1 hour)';
  return expression.startsWith('cron(') ? cronSchedule(expression, config.scheduleTimezone) : rateSchedule(expression);
}

function checkSchedule(config: ConfigDocument): readonly Problem[] {
  const path = configPath('schedule');
  if (isToken(config.schedule) || isToken(config.scheduleTimezone)) {
    return [{ path, message: 'it must be known at synthesis, as the alarms are sized by it; found a token' }];
  }
  try {
    configSchedule(config);
    return [];
  } catch (thrown) {
    const ofZone = thrown instanceof RenewalError && thrown.message.includes('time zone');
    return [{ path: ofZone ? configPath('scheduleTimezone') : path, message: messageOf(thrown) }];
  }
}

/** The pairs of fields, by the rules that tags and requests follow too. */
function checkProfile(name: string, { hooks: _, ...profile }: ProfileConfig): readonly Problem[] {
  // The workers check it again when they read it.
  if ([...Object.values(profile), ...Object.values(profile.issue ?? {})].some(isToken)) return [];
  const path = configPath('profiles', name);
  try {
    toProfile(name, profile, path);
    return [];
  } catch (thrown) {
    // Its message begins with the path of the field.
    const [whole = path, rest] = /^(\$\S+) (.*)$/s.exec(messageOf(thrown))?.slice(1) ?? [];
    return [{ path: whole, message: rest ?? messageOf(thrown) }];
  }
}

function checkProfiles({ profiles }: ConfigDocument): readonly Problem[] {
  if (Object.keys(profiles).length > 0) return [];
  return [{ path: configPath('profiles'), message: 'expected at least one profile' }];
}

function readRoots(config: ConfigDocument, origin: ConfigOrigin, roots: Map<string, string>): readonly Problem[] {
  return Object.entries(config.profiles).flatMap(([name, { ca }]) => {
    const root = isToken(ca) ? undefined : rootOf(ca);
    if (root === undefined || isToken(root)) return [];
    try {
      roots.set(name, readRoot(root, origin.baseDirectory));
      return [];
    } catch (thrown) {
      return [{ path: configPath('profiles', name, 'ca', 'root'), message: messageOf(thrown) }];
    }
  });
}

function withRoots(profiles: Config['profiles'], roots: ReadonlyMap<string, string>): Config['profiles'] {
  return Object.fromEntries(
    Object.entries(profiles).map(([name, profile]) => {
      const root = roots.get(name);
      return [name, root === undefined ? profile : { ...profile, ca: { ...profile.ca, root } }];
    }),
  );
}

/** The customer keys of declared certificates are customer keys of the stack's secrets, too. */
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
