/** Tags without effect, and secrets with tags of cert-renewer that this stack does not renew. */
import { authorityDescription } from '../../lambdas/domain/authority.ts';
import { count } from '../../lambdas/domain/count.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import { statusTags, tagPrefix, tags } from '../../lambdas/domain/tags.ts';
import { isSecretOf } from '../../lambdas/renewal/authority.ts';
import type { TaggedSecret } from '../aws/secrets.ts';
import { profileMeant, type Session } from '../session.ts';
import { type Finding, fault, note, ok } from './finding.ts';

/**
 * Whose a secret is. `ours`: of a profile or an authority of this stack. `elsewhere`: of a profile that this stack does not have.
 * `authority`: of an authority that is not of this stack. `nobody`: it has settings and no profile.
 */
type Owner = 'ours' | 'elsewhere' | 'authority' | 'nobody';

export async function strayTags(session: Session): Promise<readonly Finding[]> {
  const ownerOf = await ownersOf(session);
  const meaningless = new Map<string, string[]>();
  const elsewhere = new Map<string, string[]>();
  const authorities: string[] = [];
  const nobodys: string[] = [];
  for await (const page of session.secrets.tagged()) {
    for (const secret of page) {
      const { name, tags: found } = secret;
      const owner = await ownerOf(secret);
      // Another stack may have another version, with other tags.
      const strange = owner === 'ours' || owner === 'nobody' ? strangeTags(secret) : [];
      for (const tag of strange) added(meaningless, tag, name);
      if (owner === 'elsewhere') added(elsewhere, found.get(tags.profile) ?? '', name);
      if (owner === 'authority') authorities.push(name);
      if (owner === 'nobody' && strange.length === 0) nobodys.push(name);
    }
  }
  const findings = [
    ...[...meaningless].map(([tag, names]) => withoutMeaning(tag, names)),
    ...(nobodys.length > 0 ? [notEnrolled(nobodys)] : []),
    ...(await Promise.all(
      [...elsewhere].map(async ([profile, names]) =>
        unknownProfile(profile, names, await profileMeant(session, profile)),
      ),
    )),
    ...(authorities.length > 0 ? [otherAuthorities(authorities)] : []),
  ];
  return findings.length > 0 ? findings : [ok('There are no stray tags.')];
}

const added = (groups: Map<string, string[]>, key: string, name: string) =>
  groups.set(key, [...(groups.get(key) ?? []), name]);

async function ownersOf({ deployment }: Session): Promise<(secret: TaggedSecret) => Promise<Owner>> {
  const { profiles, authorities } = await deployment();
  const own = await Promise.all((authorities?.names ?? []).map((name) => authorities?.find(name)));
  return async (secret) => {
    // The configuration enrols an authority: its secret needs no profile.
    if (own.some((authority) => authority && isSecretOf(authority, secret))) return 'ours';
    const profile = secret.tags.get(tags.profile);
    if (profile === undefined) return isAuthoritys(secret) ? 'authority' : 'nobody';
    return (await profiles.find(profile)) ? 'ours' : 'elsewhere';
  };
}

const known: ReadonlySet<string> = new Set(Object.values(tags));
const written: ReadonlySet<string> = new Set(statusTags);

const ourTags = ({ tags: found }: TaggedSecret) => [...found.keys()].filter((tag) => tag.startsWith(tagPrefix));
const strangeTags = (secret: TaggedSecret) => ourTags(secret).filter((tag) => !known.has(tag));

/**
 * A worker writes status tags without a profile for authorities only. The stack describes the secrets that it creates. An imported
 * authority has the status tags, and no description of ours.
 */
function isAuthoritys(secret: TaggedSecret): boolean {
  return secret.description.startsWith(authorityDescription) || ourTags(secret).every((tag) => written.has(tag));
}

const secretsOf = ({ length }: readonly string[], one: string, more: string) =>
  `${count(length, 'secret')} ${length === 1 ? one : more}`;

function withoutMeaning(tag: string, names: readonly string[]): Finding {
  const allowed = [...known].map((each) => each.slice(tagPrefix.length)).join(', ');
  return fault(
    `${secretsOf(names, 'has', 'have')} the tag ${tag}, which has no meaning.`,
    { fix: `Correct or remove it. Tags with a meaning: ${allowed}.`, link: docs('tags.md', 'tags-that-you-write') },
    names,
  );
}

function notEnrolled(names: readonly string[]): Finding {
  const says = `${secretsOf(names, 'has', 'have')} tags of cert-renewer but no ${tags.profile}: not enrolled.`;
  const fix = 'Enrol with cert-renewer enrol <name> --profile <profile>, or remove the tags.';
  return note(says, { fix, link: docs('tags.md', 'tags-that-you-write') }, names);
}

function unknownProfile(profile: string, names: readonly string[], meant: string | undefined): Finding {
  const didYouMean = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return note(
    `${secretsOf(names, 'is', 'are')} in the profile ${profile}, which this stack does not have.${didYouMean}`,
    {
      fix: `If no other stack has the profile, correct the tag (cert-renewer enrol <name> --profile ${meant ?? '<profile>'}) or deploy the profile.`,
      link: docs('configuration.md', 'profiles'),
    },
    names,
  );
}

function otherAuthorities(names: readonly string[]): Finding {
  return note(
    `${secretsOf(names, 'looks', 'look')} like an authority’s, and no authority of this stack has ${names.length === 1 ? 'it' : 'them'}.`,
    {
      fix: 'Leave the authority of another stack alone. A destroyed stack leaves its authorities behind: delete them if nothing trusts them any more.',
      link: docs('operations.md', 'uninstalling'),
    },
    names,
  );
}
