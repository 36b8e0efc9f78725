/** Configurations of the largest supported sizes, for the judges (test/judges) and for tests of limits. */
import { readFileSync } from 'node:fs';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import type { AuthorityConfig, HookConfig, ProfileConfig } from '../../cdk/config/config-schema.ts';

export interface LargeOptions {
  /**
   * Number of the stack's own authorities, 12 at most; the offline profiles use them in turn. Default: none, and no offline
   * profile.
   */
  readonly authorities?: number;
  /** false: profiles without hooks. */
  readonly hooks?: boolean;
  /**
   * Number of declared certificates. Needs authorities: all offline profiles issue, and share the certificates in turn.
   * Default: none.
   */
  readonly certificates?: number;
  /** Further options. They replace the generated ones. */
  readonly more?: Partial<CertRenewerProps>;
}

const here = 'eu-central-1:111122223333';
const key = (n: number) => `arn:aws:kms:${here}:key/1234abcd-12ab-34cd-56ef-${String(n).padStart(12, '0')}`;
const number = (n: number, digits: number) => String(n).padStart(digits, '0');
const root = readFileSync(new URL('../../examples/root_ca.crt', import.meta.url), 'utf8');

/**
 * Builds a configuration with this many profiles, from `profile-001` on. Each has a hook, of the six types in turn. Every
 * fifth has two, and the first has all six. Every seventh has a password. Their CAs are step-ca, infisical and, with
 * authorities, offline.
 */
export function largeConfig(
  profiles: number,
  { authorities = 0, hooks = true, certificates = 0, more }: LargeOptions = {},
) {
  const own = manyAuthorities(authorities);
  const names = Object.keys(own);
  const made = Array.from({ length: profiles }, (_, n): [string, ProfileConfig] => [
    `profile-${number(n + 1, 3)}`,
    {
      ca: caOf(n, names),
      ...(certificates > 0 && isOffline(n, names) && { issue: { allow: ['uri:.example.com'], duration: '720h' } }),
      ...(n % 7 === 0 && { passwordSecretId: `pki/password-${n + 1}` }),
      ...(hooks && { hooks: hooksOf(n) }),
    },
  ]);
  return {
    profiles: Object.fromEntries(made),
    ...(authorities > 0 && { authorities: own }),
    ...(certificates > 0 && { certificates: manyCertificates(certificates, made) }),
    ...more,
  } satisfies CertRenewerProps;
}

function manyCertificates(count: number, profiles: readonly (readonly [string, ProfileConfig])[]) {
  const issuing = profiles.flatMap(([name, { issue }]) => (issue ? [name] : []));
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => {
      // The name constraints of manyAuthorities apply to other kinds of names.
      const entry = { profile: issuing[n % issuing.length] ?? '', uris: [`spiffe://service-${n + 1}.example.com/tls`] };
      return [`services/service-${number(n + 1, 4)}/tls`, entry];
    }),
  );
}

/**
 * Builds the authorities. `authority-01` is the root and issues the others. Of four or more, the last two are imported: one
 * with its key in KMS, the other in its secret with a password.
 */
export function manyAuthorities(n: number): Readonly<Record<string, AuthorityConfig>> {
  const name = (index: number) => `authority-${number(index + 1, 2)}`;
  const made = (index: number): AuthorityConfig => ({
    create: {
      subject: `CN=Example Authority ${index + 1},O=Example`,
      key: index === 0 ? 'EC P-384' : 'EC P-256',
      validity: index === 0 ? '87600h' : '26280h',
      pathLen: index === 0 ? 1 : 0,
      ...(index > 0 && { nameConstraints: { permitted: [`dns:team-${index}.example.com`, `ip:10.${index}.0.0/16`] } }),
    },
    ...(index > 0 && { parent: name(0) }),
  });
  const imported: readonly AuthorityConfig[] =
    n < 4
      ? []
      : [
          { secretId: 'pki/legacy-in-kms', kmsKeyArn: key(1) },
          { secretId: 'pki/legacy', passwordSecretId: 'pki/legacy-password' },
        ];
  const all = [...Array.from({ length: n - imported.length }, (_, index) => made(index)), ...imported];
  return Object.fromEntries(all.map((authority, index) => [name(index), authority]));
}

/** Every other option that adds resources to the stack. */
export const everyOption = {
  notify: { email: ['pki@example.com', 'ops@example.com'] },
  vpc: {
    vpcId: 'vpc-0123456789abcdef0',
    subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    securityGroupIds: ['sg-0123456789abcdef0'],
  },
  encryptionKeys: [key(2), key(3)],
  probe: { allow: ['dns:example.com', 'ip:10.0.0.0/8'], within: '30m' },
} satisfies Partial<CertRenewerProps>;

/** With authorities only: callers of the CA API show a token. */
export const bearer = { auth: 'bearer', tokenSecretId: 'pki/ca-api-tokens' } as const;

const isOffline = (n: number, authorities: readonly string[]) => n % 4 === 1 && authorities.length > 0;

function caOf(n: number, authorities: readonly string[]): ProfileConfig['ca'] {
  if (n % 4 === 3) {
    return {
      type: 'infisical',
      url: 'https://eu.infisical.com',
      caId: `00000000-0000-0000-0000-${number(n, 12)}`,
      authSecretId: 'pki/infisical-login',
    };
  }
  const authority = authorities[n % Math.max(authorities.length, 1)];
  if (isOffline(n, authorities) && authority !== undefined) return { type: 'offline', authority };
  return { type: 'step-ca', url: `https://ca-${n + 1}.example:9000`, root };
}

function hooksOf(n: number): HookConfig[] {
  const targetTag = { key: 'Role', value: `web-${n + 1}` };
  const all: readonly HookConfig[] = [
    { type: 'exec', command: `/usr/local/bin/reload-${n + 1}`, targetTag },
    { type: 'lambda', functionArn: `arn:aws:lambda:${here}:function:on-renewal-${n + 1}` },
    { type: 'sns', topicArn: `arn:aws:sns:${here}:renewals-${n + 1}` },
    {
      type: 'acm',
      certificates: {
        [`web/load-balancer-${n + 1}`]: `arn:aws:acm:${here}:certificate/12345678-1234-1234-1234-${number(n, 12)}`,
      },
    },
    { type: 'signal', pidFile: '/run/nginx.pid', signal: 1, targetTag },
    { type: 'ecs', services: { [`web/task-${n + 1}`]: `prod/web-${n + 1}` } },
  ];
  const count = n === 0 ? all.length : n % 5 === 4 ? 2 : 1;
  return Array.from({ length: count }, (_, index) => all[(n + index) % all.length]).filter(
    (hook) => hook !== undefined,
  );
}
