/** Reads the deployed profiles and authorities: one SSM parameter each, read once in a process (docs/guarantees.md, G14). */
import type { Authority } from '../domain/authority.ts';
import { type CallPolicy, call } from '../domain/calls.ts';
import type { AuthoritySource, Clock, ProfileSource } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

export interface SsmParametersOptions<Document> extends AwsOptions {
  /** Path of the parameters, `/cert-renewer/<stack>/profiles`; a profile is `<prefix>/<name>`. */
  readonly prefix: string;
  /** Validates the parameter's JSON: providers/profile.ts parseProfile, policy/authority.ts parseAuthority. */
  readonly parse: (name: string, json: string) => Document | Promise<Document>;
  readonly clock: Clock;
}

export type SsmProfilesOptions = SsmParametersOptions<Profile>;

export interface SsmAuthoritiesOptions extends SsmParametersOptions<Authority> {
  /** Names of all authorities of this stack. Others are not looked up. */
  readonly names: readonly string[];
}

/**
 * Milliseconds that an unknown profile is remembered. A known one is kept for the process's life: another deployment changes the functions'
 * environment, and so replaces every process. An unknown one is looked up again after a minute, because its parameter may be created just
 * after the first worker starts. Until then, a thousand secrets with this name cost one call.
 */
const unknownKeptFor = 60_000;
/** Unknown names that are remembered. They come from tags, so their number has no limit: the oldest is forgotten. */
const unknownKept = 1_000;

/**
 * The grammar of policy/profile-name.ts. Other names can't exist and must not reach SSM: in `name:3` it would read version 3, a profile
 * that is not deployed any more.
 */
const profileName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * Returns a ProfileSource for each invocation. Its client is loaded with the first profile. Throws AccessDenied, Throttled, and what
 * `parse` throws.
 */
export function ssmProfiles(options: SsmProfilesOptions): (policy: CallPolicy) => ProfileSource {
  const found = ssmParameters(options);
  return (policy) => ({ find: (name) => found(policy, name) });
}

/** Returns an AuthoritySource for each invocation, by the rules of ssmProfiles. */
export function ssmAuthorities({ names, ...options }: SsmAuthoritiesOptions): (policy: CallPolicy) => AuthoritySource {
  const known = new Set(names);
  const found = ssmParameters(options);
  return (policy) => ({ names, find: async (name) => (known.has(name) ? found(policy, name) : undefined) });
}

function ssmParameters<Document>(
  options: SsmParametersOptions<Document>,
): (policy: CallPolicy, name: string) => Promise<Document | undefined> {
  const sdk = once(async () => {
    const loaded = await import('./sdk/ssm.ts');
    return { ...loaded, client: new loaded.SSMClient(clientConfig(options)) };
  });
  const read = new Map<string, Document>();
  const found = new Map<string, Promise<Document | undefined>>();
  const unknownSince = new Map<string, number>();

  async function fetchDocument(name: string): Promise<Document | undefined> {
    const parameter = `${options.prefix.replace(/\/$/, '')}/${name}`;
    let json: string | undefined;
    try {
      const { client, GetParameterCommand } = await sdk();
      json = (await client.send(new GetParameterCommand({ Name: parameter }))).Parameter?.Value;
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'ParameterNotFound') return undefined;
      throw awsError(thrown, { service: 'ssm', action: 'GetParameter', resource: parameter });
    }
    return json === undefined ? undefined : options.parse(name, json);
  }

  function remember(name: string, document: Promise<Document | undefined>): void {
    found.set(name, document);
    document.then(
      (known) => {
        found.delete(name);
        if (known !== undefined) {
          read.set(name, known);
          return;
        }
        const [oldest] = unknownSince.keys();
        if (unknownSince.size >= unknownKept && oldest !== undefined) unknownSince.delete(oldest);
        unknownSince.set(name, options.clock.now());
      },
      () => found.delete(name), // a failure is not kept
    );
  }

  async function find(name: string): Promise<Document | undefined> {
    if (!profileName.test(name)) return undefined;
    const since = unknownSince.get(name);
    if (since !== undefined) {
      if (options.clock.now() - since < unknownKeptFor) return undefined;
      unknownSince.delete(name);
    }
    const known = found.get(name) ?? fetchDocument(name);
    if (!found.has(name)) remember(name, known);
    return known;
  }

  // A known document needs no call: a worker looks up each authority of the stack for each secret.
  return async (policy, name) => read.get(name) ?? call(policy, 'find', () => find(name));
}
