/** The endpoints of certificates: whether the stack can probe them, and note what it finds. */
import { count } from '../../lambdas/domain/count.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import { hasRoomFor, mostTags, tags } from '../../lambdas/domain/tags.ts';
import { type Enrolment, enrolment, profileToFind } from '../../lambdas/policy/enrolment.ts';
import type { Session } from '../session.ts';
import { type Finding, namesOf, note, ok } from './finding.ts';

interface WithEndpoints {
  readonly name: string;
  readonly enrolled: Extract<Enrolment, { kind: 'enrolled' }>;
  readonly hasRoom: boolean;
}

/** A certificate that is not served is among the renewals, and an endpoint outside of `probe.allow` is an InvalidTag there. */
export async function endpoints(session: Session): Promise<readonly Finding[]> {
  const found: WithEndpoints[] = [];
  for await (const one of withEndpoints(session)) found.push(one);
  if (found.length === 0) return [ok('No secret has endpoints: nothing is probed.')];
  const unprobed = found.filter(({ enrolled }) => enrolled.profile.probe === undefined);
  const full = found.filter(({ enrolled, hasRoom }) => enrolled.profile.probe !== undefined && !hasRoom);
  const findings = [
    ...(unprobed.length > 0 ? [withoutProbe(unprobed)] : []),
    ...(full.length > 0 ? [withoutRoom(full)] : []),
  ];
  return findings.length > 0 ? findings : [ok(`${has(found)} endpoints, and the stack probes them.`)];
}

async function* withEndpoints({ store, deployment }: Session): AsyncGenerator<WithEndpoints> {
  const { profiles, rotationFunctionArn } = await deployment();
  for await (const page of store.list(undefined, tags.endpoints)) {
    for (const secret of page) {
      const name = profileToFind({ secret }, rotationFunctionArn);
      const profile = name === undefined ? undefined : await profiles.find(name);
      const enrolled = enrolment({ secret }, profile, rotationFunctionArn);
      const hasRoom = hasRoomFor(secret.tags, tags.served);
      if (enrolled.kind === 'enrolled') yield { name: secret.name, enrolled, hasRoom };
    }
  }
}

const has = ({ length }: readonly unknown[]): string =>
  `${count(length, 'certificate')} ${length === 1 ? 'has' : 'have'}`;

function withoutProbe(found: readonly WithEndpoints[]): Finding {
  return note(
    `${has(found)} endpoints, and the stack probes nothing: nobody looks whether a new certificate is served.`,
    {
      fix: 'Add "probe" with "allow" to the configuration, and deploy.',
      link: docs('served.md', 'how-to-set-it-up'),
    },
    namesOf(found),
  );
}

function withoutRoom(found: readonly WithEndpoints[]): Finding {
  return note(
    `${has(found)} endpoints and no room for the tag ${tags.served}: without it no event is sent, and no state is shown.`,
    {
      fix: `AWS allows ${mostTags} tags. Remove a tag of each. Until then, cert-renewer probe <name> shows what is served.`,
      link: docs('tags.md', 'tags-that-cert-renewer-writes'),
    },
    namesOf(found),
  );
}
