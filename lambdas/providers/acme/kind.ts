import * as z from 'zod/mini';
import type { KeySpec } from '../../domain/key-spec.ts';
import type { CaReference } from '../../domain/profile.ts';
import { caKind, describe, filledText, httpsUrl, kmsKeyArn, textOf } from '../kind.ts';

const zoneId = z.string().check(
  // An id begins with Z. The CDK's lookup of a zone (HostedZone.fromLookup) gives the id DUMMY at first.
  z.regex(
    /^[A-Z0-9]{1,32}$/,
    'expected the id of a hosted zone, such as Z0123456789ABCDEFGHIJ, without "/hostedzone/"',
  ),
);

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const domain = z
  .string()
  .check(
    z.maxLength(253),
    z.regex(
      new RegExp(`^${label}(?:\\.${label})*$`),
      'expected a domain in lower case, such as example.com, without a wildcard or a period at its end',
    ),
  );

const hostedZones = z
  .record(domain, zoneId)
  .check(
    z.refine((zones) => Object.keys(zones).length > 0, 'found no zone; expected at least one: its domain and its id'),
  );

const challenge = z.discriminatedUnion('type', [
  z.strictObject({
    type: describe('TXT records _acme-challenge.* in hosted zones of Route 53.', z.literal('dns-01')),
    zones: describe(
      'Ids of the hosted zones, by their domains. Each name must lie within one of the domains.',
      hostedZones,
    ),
  }),
  z.strictObject({
    type: describe('A standing TXT record _validation-persist.*, which you write.', z.literal('dns-persist-01')),
  }),
  z.strictObject({ type: describe('None: the names are approved at the CA beforehand.', z.literal('none')) }),
]);

const ofAcm = (resource: string, what: string, pattern = resource) =>
  z
    .string()
    .check(
      z.regex(
        new RegExp(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:\\d{12}:${pattern.replaceAll('<id>', '[a-zA-Z0-9-]+')}$`),
        `expected the ARN of ${what}: arn:aws:acm:<region>:<account>:${resource}`,
      ),
    );
const endpointArn = ofAcm('acme-endpoint/<id>', "one of ACM's ACME endpoints");
const bindingArn = ofAcm(
  'acme-endpoint/<id>/acme-external-account-binding/<id>',
  "an external account binding of one of ACM's ACME endpoints",
  '(?:acme-endpoint/<id>/)?acme-external-account-binding/<id>',
);

/** RFC 8555 section 7.3: one address, and no header fields. */
const mailto = z
  .string()
  .check(z.regex(/^mailto:[^\s@,?<>"]+@[^\s@,?<>"]+$/, 'expected one address, such as mailto:ops@example.com'));

const schema = z
  .strictObject({
    type: describe("A CA that speaks ACME (RFC 8555): Let's Encrypt, ACM, step-ca and others.", z.literal('acme')),
    directory: describe(
      'Address of the directory: https, without a query. Excludes acmEndpoint. Default: none.',
      z.optional(httpsUrl),
    ),
    acmEndpoint: describe(
      "ARN of one of ACM's ACME endpoints, instead of directory. Default: none.",
      z.optional(endpointArn),
    ),
    agreeToTerms: describe(
      "true: you agree to the CA's terms of service. Many CAs make no account without it. Default: false.",
      z.optional(z.boolean()),
    ),
    contact: describe(
      'Addresses at which the CA reaches the owner of the account, such as mailto:ops@example.com. Default: none.',
      z.optional(z.array(mailto)),
    ),
    accountKeyArn: describe(
      'ARN of the KMS key of the account, P-256 or RSA. Default: the stack makes one, P-256, and retains it.',
      z.optional(kmsKeyArn),
    ),
    eabSecretId: describe(
      'Name or ARN of the secret with an external account binding: JSON with kid and hmacKey. Excludes eabBinding. Default: none.',
      z.optional(filledText),
    ),
    eabBinding: describe(
      "ARN of an external account binding of one of ACM's ACME endpoints. Excludes eabSecretId. Default: none.",
      z.optional(bindingArn),
    ),
    challenge: describe('How the CA checks that the names are yours.', challenge),
    acmeProfile: describe(
      "Name of one of the CA's profiles, which decides validity and usages. Default: the CA's default.",
      z.optional(filledText),
    ),
    preferredChain: describe(
      "Common name of the root whose chain is taken, if the CA offers several. Default: the CA's first chain.",
      z.optional(filledText),
    ),
    root: describe(
      'The root certificates of issued certificates: a PEM file, relative to this file, or PEM text. Default: the roots of the system.',
      z.optional(filledText),
    ),
    serverRoot: describe(
      "The root certificates of the CA's TLS certificate: a PEM file, relative to this file, or PEM text. Default: the roots of the system.",
      z.optional(filledText),
    ),
  })
  .check(
    z.refine(
      ({ directory, acmEndpoint }) => (directory === undefined) !== (acmEndpoint === undefined),
      "expected directory (the CA's address) or acmEndpoint (the ARN of ACM's endpoint), not both",
    ),
    z.refine(
      ({ eabSecretId, eabBinding }) => eabSecretId === undefined || eabBinding === undefined,
      'expected eabSecretId (a secret) or eabBinding (a binding of ACM), not both',
    ),
    z.refine(
      ({ acmEndpoint, eabBinding }) => !areOfTwoEndpoints(acmEndpoint, eabBinding),
      'expected eabBinding to be a binding of acmEndpoint: its ARN begins with that of the endpoint',
    ),
  );

export const acme = caKind({
  type: 'acme',
  schema,
  can: {
    renews: false,
    rekeys: false,
    rekeysInKms: false,
    answers: 'later',
    keyHolder: 'secret',
    wantsPath: false,
  },
  needs: (ca) => {
    const [secret, key, binding] = ['eabSecretId', 'accountKeyArn', 'eabBinding'].map((field) => textOf(ca[field]));
    const zones = [...new Set(Object.values(zonesOf(ca) ?? {}))];
    return {
      secrets: listOf(secret),
      signingKeys: listOf(key),
      ...(ca['accountKeyArn'] === undefined && { newKey: 'accountKeyArn' }),
      ...(zones.length > 0 && { zones }),
      ...(binding !== undefined && { bindings: [binding] }),
    };
  },
  issues: () => true,
  // A change of acmeProfile counts at the next renewal: all certificates at once would be too many orders.
  identity: ({ directory, acmEndpoint }) => [directory, acmEndpoint],
  trustsSystem: true,
  pemFields: ['root', 'serverRoot'],
  defaultUsages: ['serverAuth'], // public CAs issue no certificate for clientAuth any more
  refuses: {
    name: (ca, name) => nameProblem(name, zonesOf(ca)),
    duration: () => 'an ACME CA decides the validity itself; remove it, or select one of its profiles by acmeProfile',
    key: ({ acmEndpoint }, key) =>
      acmEndpoint === undefined || isKeyForAcm(key) ? undefined : 'ACM takes RSA 2048, EC P-256 and EC P-384 only',
  },
  advice: {
    CaUnavailable: {
      means: 'the ACME CA does not answer, or has failed',
      fix: 'The message quotes its answer. Look at the status page of the CA, and let the network of the renew function reach it. After a change of directory, deploy.',
    },
    CaRejected: {
      means: 'the ACME CA refuses the account, the order, or a name',
      fix: 'The message quotes its problem document, with the name. Check agreeToTerms and the account binding, the CAA records, and that the TXT record of the challenge is public: the zone of the profile must be the one that the domain is delegated to.',
    },
    CaUntrusted: {
      means: 'the TLS certificate of the CA, or the issued certificate, does not lead to a trusted root',
      fix: 'Set serverRoot (TLS) or root (issued certificates) of the profile, and deploy. Without them the roots of the system count, which a private or a staging CA is not among.',
    },
    CertificateRejected: {
      means: 'the CA issued a certificate that differs from the declaration',
      fix: 'The message names the difference. Declare what the CA issues, or select another of its profiles by acmeProfile.',
    },
    IssuanceNotAllowed: {
      means: 'the profile does not allow the certificate',
      fix: 'The message says why. Correct issue.allow, or the zones of the challenge, and deploy.',
    },
    KmsDenied: {
      means: 'KMS refuses the use of a key',
      fix: 'The message names the key. That of the account must be enabled, and a key of accountKeyArn must let IAM decide. Name a key that encrypts a secret in encryptionKeys.',
    },
    AccessDenied: {
      means: 'AWS denies a call of the renew function',
      fix: 'The message names the call. For Route 53, the hosted zone must be in the account of the stack. An organisation policy may deny the call too.',
    },
    Throttled: {
      means: 'AWS takes no more calls at the moment',
      fix: 'It is tried again. Route 53 takes five changes a second from an account: renew fewer at once by maxConcurrency.',
    },
  },
  load: async () => (await import('./index.ts')).openAcme,
});

/** Each may be a token at synthesis. */
const areOfTwoEndpoints = (endpoint = '', binding = ''): boolean =>
  endpoint.startsWith('arn:') &&
  binding.includes('/acme-external-account-binding/') &&
  !binding.startsWith(`${endpoint}/`);

const listOf = (text: string | undefined): readonly string[] => (text === undefined ? [] : [text]);

/** Returns the zones of a dns-01 challenge; undefined for another challenge. */
function zonesOf({ challenge: configured }: CaReference): Readonly<Record<string, string>> | undefined {
  const zones: unknown = isObject(configured) ? Reflect.get(configured, 'zones') : undefined;
  if (!isObject(zones)) return undefined;
  const known = Object.entries(zones).filter((zone): zone is [string, string] => typeof zone[1] === 'string');
  return Object.fromEntries(known);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** ACME has identifiers for DNS names (RFC 8555) and IP addresses (RFC 8738). dns-01 is for DNS names only. */
function nameProblem(name: string, zones: Readonly<Record<string, string>> | undefined): string | undefined {
  const [kind, value] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)];
  if (kind !== 'dns' && kind !== 'ip') {
    return 'an ACME CA certifies DNS names and IP addresses only (RFC 8738); remove it, or declare it in another profile';
  }
  if (zones === undefined) return undefined;
  if (kind === 'ip') {
    return 'the challenge dns-01 proves no IP address (RFC 8738); remove it, or declare it in another profile';
  }
  const domains = Object.keys(zones);
  if (domains.some((each) => `.${value}`.endsWith(`.${each}`))) return undefined;
  const shown = domains.length > 5 ? [...domains.slice(0, 5), '…'] : domains;
  return `it is outside of the zones of the challenge dns-01; expected a name within ${shown.join(', ')}`;
}

/** The key algorithms of ACM's public certificates. An endpoint may allow fewer of them. */
const isKeyForAcm = (key: KeySpec): boolean =>
  key.kty === 'RSA' ? key.size === 2048 : key.kty === 'EC' && key.curve !== 'P-521';
