/** The deployed profiles and authorities: one SSM parameter each, read once per process (docs/guarantees.md, G14). */
import type { Authority } from '../domain/authority.ts';
import { type CallPolicy, call } from '../domain/calls.ts';
import type { AuthoritySource, Clock, ProfileSource } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

export interface SsmParametersOptions<Document> extends AwsOptions {
  /** The parameters' path, `/cert-renewer/<stack>/profiles`; a profile is `<prefix>/<name>`. */
  readonly prefix: string;
  /** Validates the parameter's JSON: providers/profile.ts parseProfile, policy/authority.ts parseAuthority. */
  readonly parse: (name: string, json: string) => Document | Promise<Document>;
  readonly clock: Clock;
}

export type SsmProfilesOptions = SsmParametersOptions<Profile>;

export interface SsmAuthoritiesOptions extends SsmParametersOptions<Authority> {
  /** All that this stack has: another name is not asked for. */
  readonly names: readonly string[];
}

/**
 * A known profile is kept for the process's life: another deployment changes the functions' environment and with it
 * every process. An unknown one is asked for again after a minute, as its parameter may be made a moment after the
 * first worker starts; in between, a thousand secrets that name it cost one call.
 */
const unknownKeptFor = 60_000;
/** Names of unknown profiles come from tags, so there is no end to them: past this many the oldest is forgotten. */
const unknownKept = 1_000;

/**
 * The grammar of policy/profile-name.ts. Anything else can't exist, and must not reach SSM: in `name:3` it would take the 3
 * for a version, and read a profile that is not deployed any more.
 */
const profileName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** A ProfileSource whose client is loaded with the first profile. Throws AccessDenied, Throttled, and what `parse` throws. */
export function ssmProfiles(options: SsmProfilesOptions): (policy: CallPolicy) => ProfileSource {
  const found = ssmParameters(options);
  return (policy) => ({ find: (name) => found(policy, name) });
}

/** An AuthoritySource, by the same rules. */
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

  // What was read is no call any more: a worker asks for each authority of the stack at each secret.
  return async (policy, name) => read.get(name) ?? call(policy, 'find', () => find(name));
}
