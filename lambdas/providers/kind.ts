/**
 * The description of a kind of CA. Each folder of providers/ has one in its kind.ts, and kinds.ts lists them; no other code names a
 * type of CA. Kinds are small, because synthesis and every cold start load all of them. The code that calls the CA is loaded with the
 * first certificate of the kind.
 */
import * as z from 'zod/mini';
import type { CallPolicy } from '../domain/calls.ts';
import type { DeclaredUsage } from '../domain/declaration.ts';
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import type {
  AccountBindings,
  AuthoritySource,
  CaCapabilities,
  CaProvider,
  Clock,
  Entropy,
  KeyVault,
  Store,
  TxtZones,
} from '../domain/ports.ts';
import type { CaReference } from '../domain/profile.ts';

/** The dependencies of a provider in one invocation. */
export interface CaTools {
  readonly policy: CallPolicy;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly store: Pick<Store, 'read'>;
  readonly vault: KeyVault;
  /** Undefined in a stack without authorities. */
  readonly authorities?: AuthoritySource | undefined;
  readonly zones: TxtZones;
  readonly bindings: AccountBindings;
}

/** An opened CA, which a process keeps: its address, its roots, its session. Each invocation makes a provider from it. */
export type OpenedCa = (tools: CaTools) => CaProvider;

/** An opened CA without the fields that come from its kind. */
export type CaCalls = (tools: CaTools) => Omit<CaProvider, 'type' | 'can' | 'issues' | 'identity'>;

/** The permissions that the worker needs for a CA. */
export interface CaNeeds {
  /** Names or ARNs of secrets other than the certificate's. */
  readonly secrets: readonly string[];
  /** ARNs of KMS keys for signing, other than those of certificates. */
  readonly signingKeys: readonly string[];
  /** Name of the stack's authority that signs. */
  readonly authority?: string;
  /** The field for the ARN of a signing key. The configuration leaves it out, so the stack makes the key: P-256, retained. */
  readonly newKey?: string;
  /** Ids of the hosted zones of Route 53 whose TXT records `_acme-challenge.*` the worker changes. */
  readonly zones?: readonly string[];
  /** ARNs of external account bindings of ACM. */
  readonly bindings?: readonly string[];
}

/**
 * What a CA, as configured, does not certify, beyond `issue` of its profile. Synthesis and the deployment check it before a certificate
 * is declared. Each function returns what was found and what is expected, without the name of the field; undefined: the CA takes it.
 */
export interface CaRefusals {
  /** `name` is `dns:`, `ip:`, `email:` or `uri:` and the value. */
  name(ca: CaReference, name: string): string | undefined;
  /** A duration of any length. */
  duration(ca: CaReference): string | undefined;
  /** A new key. */
  key(ca: CaReference, key: KeySpec): string | undefined;
}

/** What error codes mean at a kind of CA, in place of the common words (inventory/advice.ts), which fit every CA. */
export type CaAdvice = Partial<Record<ErrorCode, { readonly means: string; readonly fix: string }>>;

/** A kind of CA. Its functions take a CA as configured: at synthesis any field may be a token. */
export interface CaKind<Schema extends z.ZodMiniType = z.ZodMiniType> {
  /** The `type` of the CA in the configuration. */
  readonly type: string;
  /** The schema of a profile's `ca`. */
  readonly schema: Schema;
  readonly can: CaCapabilities;
  needs(ca: CaReference): CaNeeds;
  /** Whether the CA, as configured, issues declared certificates. */
  issues(ca: CaReference): boolean;
  /** The values that tell CAs of this type apart. If they change, declared certificates are issued again. The root is not among them. */
  identity(ca: CaReference): readonly unknown[];
  /** The fields with trusted roots: PEM text, or in a configuration file the name of a PEM file. `root` is the one of issued certificates. */
  readonly pemFields: readonly string[];
  /** Whether an issued certificate may end in any root of the system, where `root` is not set. Default: false. */
  readonly trustsSystem?: boolean;
  /** The usages of a certificate that declares none. Undefined: those of every other CA (policy/declaration.ts). */
  readonly defaultUsages?: readonly DeclaredUsage[];
  /** Undefined: the CA refuses nothing that synthesis knows. */
  readonly refuses?: CaRefusals;
  readonly advice: CaAdvice;
  /** Throws Internal if `ca` does not satisfy the schema, InvalidRequest if it can't be called. */
  open(ca: CaReference): Promise<OpenedCa>;
}

interface CaKindParts<Schema extends z.ZodMiniType<CaReference>> extends Omit<CaKind<Schema>, 'open'> {
  /** Imports the folder's index.ts and returns its function that opens a CA. */
  readonly load: () => Promise<(ca: z.output<Schema>) => CaCalls>;
}

export function caKind<Schema extends z.ZodMiniType<CaReference>>(parts: CaKindParts<Schema>): CaKind<Schema> {
  const { load, ...kind } = parts;
  const { type, can, schema } = kind;
  const open = async (ca: CaReference): Promise<OpenedCa> => {
    const parsed = schema.safeParse(ca);
    if (!parsed.success) {
      throw new RenewalError('Internal', `The ca of the profile is not of type ${type}: deploy the stack again.`, {
        cause: parsed.error,
      });
    }
    const opened = (await load())(parsed.data);
    const described = { type, can, issues: kind.issues(ca), identity: [type, ...kind.identity(ca)] };
    return (tools) => ({ ...described, ...opened(tools) });
  };
  return { ...kind, open };
}

/** Returns a string of the configuration; undefined for any other value, such as a token in its object form. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

// ---- Fields of several kinds ---------------------------------------------------------------------------------------

/** Gives a schema a description, for cert-renewer.schema.json. */
export const describe = <Schema extends z.ZodMiniType>(text: string, schema: Schema): Schema =>
  schema.check(z.describe(text)) as Schema; // check() returns the same kind of schema, but with a less precise type

export const filledText = z.string().check(z.minLength(1));

export const httpsUrl = z
  .string()
  .check(z.regex(/^https:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, 'expected an https:// URL without query'));

export const kmsKeyArn = z
  .string()
  .check(
    z.regex(
      /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
      'expected the ARN of a KMS key: arn:aws:kms:<region>:<account>:key/<id>',
    ),
  );
