/**
 * What every kind of CA says of itself. A folder of providers/ has one (its kind.ts), and kinds.ts lists them: nothing else in
 * the product names a CA's type. A kind is small, so that the deployment and a cold start can load all of them; the code that
 * asks the CA is loaded with the first certificate of the kind.
 */
import * as z from 'zod/mini';
import type { CallPolicy } from '../domain/calls.ts';
import { RenewalError } from '../domain/errors.ts';
import type { AuthoritySource, CaCapabilities, CaProvider, Clock, Entropy, KeyVault, Store } from '../domain/ports.ts';
import type { CaReference } from '../domain/profile.ts';

/** What one invocation lends a provider. */
export interface CaTools {
  readonly policy: CallPolicy;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly store: Pick<Store, 'read'>;
  readonly vault: KeyVault;
  /** Undefined in a stack without authorities of its own. */
  readonly authorities?: AuthoritySource | undefined;
}

/** A CA as a process keeps it: its address, its roots, its session. Each invocation makes one provider of it. */
export type OpenedCa = (tools: CaTools) => CaProvider;

/** An opened CA as its folder makes it: what a kind says of itself is left out. */
export type CaCalls = (tools: CaTools) => Omit<CaProvider, 'type' | 'can' | 'issues' | 'identity'>;

/** What the deployment permits the worker for the sake of a CA. */
export interface CaNeeds {
  /** Names or ARNs of the secrets that it reads besides the certificate's own. */
  readonly secrets: readonly string[];
  /** ARNs of the keys in KMS that it signs with besides those of certificates. */
  readonly signingKeys: readonly string[];
  /** The authority of the stack that it signs by. */
  readonly authority?: string;
}

/** `needs` and `root` take a CA as it is configured: at synthesis any of its fields may be a token. */
export interface CaKind<Schema extends z.ZodMiniType = z.ZodMiniType> {
  /** The `type` of the CA in the configuration. */
  readonly type: string;
  /** The `ca` of a profile. */
  readonly schema: Schema;
  readonly can: CaCapabilities;
  needs(ca: CaReference): CaNeeds;
  /** Whether it issues what is declared, as it is configured. */
  issues(ca: CaReference): boolean;
  /** What tells it from other CAs of its type: with another one, another certificate is declared. Of a root there is nothing in it. */
  identity(ca: CaReference): readonly unknown[];
  /** What the field `root` holds: PEM, and in the configuration file perhaps the name of a PEM file. */
  root(ca: CaReference): string | undefined;
  /** Throws Internal for a CA that is not of the schema, InvalidRequest for one that can't be asked so. */
  open(ca: CaReference): Promise<OpenedCa>;
}

interface CaKindParts<Schema extends z.ZodMiniType<CaReference>> extends Omit<CaKind<Schema>, 'open'> {
  /** Imports the folder's index.ts and gives what opens a CA. */
  readonly load: () => Promise<(ca: z.output<Schema>) => CaCalls>;
}

export function caKind<Schema extends z.ZodMiniType<CaReference>>(parts: CaKindParts<Schema>): CaKind<Schema> {
  const { load, ...kind } = parts;
  const { type, can, schema } = kind;
  const open = async (ca: CaReference): Promise<OpenedCa> => {
    const parsed = schema.safeParse(ca);
    if (!parsed.success) {
      throw new RenewalError('Internal', `The ca of the profile is none of type ${type}: deploy the stack again.`, {
        cause: parsed.error,
      });
    }
    const opened = (await load())(parsed.data);
    const described = { type, can, issues: kind.issues(ca), identity: [type, ...kind.identity(ca)] };
    return (tools) => ({ ...described, ...opened(tools) });
  };
  return { ...kind, open };
}

/** A text of the configuration; undefined for any other value, a token in its object form too. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

// ---- Fields that several kinds have --------------------------------------------------------------------------------

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
