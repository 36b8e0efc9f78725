/** The configuration that `init` writes. Only this file and `init` name types of CAs, as a user does in a configuration. */

/** The kinds of CA that `init` knows. */
export const caKinds = ['own', 'step-ca'] as const;
export type CaKind = (typeof caKinds)[number];

interface Common {
  /** Default: `own`, or `internal` for a step-ca. */
  readonly profile: string | undefined;
  readonly email: string | undefined;
  readonly certificate: { readonly name: string; readonly dnsNames: readonly string[] } | undefined;
}

export interface OwnChoice extends Common {
  readonly ca: 'own';
  /** The name in the subjects of the authorities: `Example` for CN=Example Root. */
  readonly caName: string;
  readonly domain: string;
}

export interface StepCaChoice extends Common {
  readonly ca: 'step-ca';
  readonly url: string;
  /** Path of its root, from the configuration's folder. */
  readonly root: string;
  /** Without a provisioner the profile renews enrolled certificates and issues none. */
  readonly provisioner: { readonly name: string; readonly kmsKeyArn: string; readonly domain: string } | undefined;
}

export type Choice = OwnChoice | StepCaChoice;

/** Builds the configuration. The caller validates it. */
export function configurationOf(choice: Choice, schema: string): Readonly<Record<string, unknown>> {
  const { email, certificate } = choice;
  const profile = choice.profile ?? (choice.ca === 'own' ? 'own' : 'internal');
  const parts = choice.ca === 'own' ? ownParts(choice) : stepCaParts(choice);
  return {
    $schema: schema,
    ...(parts.authorities && { authorities: parts.authorities }),
    profiles: { [profile]: parts.profile },
    ...(certificate && { certificates: { [certificate.name]: { profile, dnsNames: certificate.dnsNames } } }),
    ...(email !== undefined && { notify: { email: [email] } }),
  };
}

interface Parts {
  readonly authorities?: Readonly<Record<string, unknown>>;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** Ten years for the root, three for the authority that it signs, thirty days for a certificate. */
function ownParts({ caName, domain }: OwnChoice): Parts {
  const name = escaped(caName);
  return {
    authorities: {
      root: { create: { subject: `CN=${name} Root`, key: 'EC P-384', validity: '87600h', pathLen: 1 } },
      issuing: {
        create: { subject: `CN=${name} Issuing`, key: 'EC P-256', validity: '26280h', pathLen: 0 },
        parent: 'root',
      },
    },
    profile: {
      ca: { type: 'offline', authority: 'issuing' },
      issue: { allow: [`dns:${domain}`], duration: '720h' },
    },
  };
}

function stepCaParts({ url, root, provisioner }: StepCaChoice): Parts {
  const { domain, ...known } = provisioner ?? {};
  return {
    profile: {
      ca: { type: 'step-ca', url, root, ...(provisioner && { provisioner: known }) },
      ...(domain !== undefined && { issue: { allow: [`dns:${domain}`] } }),
    },
  };
}

/** Escapes an attribute value for a subject (RFC 4514, section 2.4). */
const escaped = (text: string): string => text.replace(/[\\"+,;<>=]|^[# ]| $/g, '\\$&');
