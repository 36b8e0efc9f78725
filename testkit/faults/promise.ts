/** Checks the guarantees G1 and G3 of docs/guarantees.md from outside, after any fault. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { Endpoint } from '../local-aws/client.ts';
import { look, versionIds } from '../local-aws/enrolled.ts';
import { declaredName, type Scene } from './crash-scene.ts';

export interface Bounds {
  /** The most certificates that may be issued. */
  readonly issued: number;
  /** The most versions of the secret, including the old and the new one. */
  readonly versions: number;
}

/** Returns the broken guarantees. The list is empty if all hold. `before` is the version that was renewed. */
export async function broken(aws: Endpoint, scene: Scene, bounds: Bounds): Promise<string[]> {
  const { secret, proxy, kind } = scene;
  const found = await look(aws, secret.arn);
  const { certificate, privateKey } = JSON.parse(found.value);
  const leaf = new X509Certificate(certificate);
  const versions = await versionIds(aws, secret.arn);
  const issued = await scene.issued();
  const pending = found.stages.get('AWSPENDING');
  const told = proxy.events.filter(({ type }) => type === 'Certificate Renewed');
  const facts: readonly (readonly [holds: boolean, what: string])[] = [
    [/^cert-renewer-/.test(found.versionId), `the current version is ${found.versionId}`],
    [found.stages.get('AWSPREVIOUS') === secret.versionId, `AWSPREVIOUS is ${found.stages.get('AWSPREVIOUS')}`],
    [pending === undefined || pending === found.versionId, `AWSPENDING is left on ${pending}`],
    [privateKey === undefined || isKeyOf(privateKey, leaf), 'the key is not the certificate’s'],
    [Date.parse(leaf.validTo) > Date.now(), `it ends ${leaf.validTo}`],
    [versions.length <= bounds.versions, `${versions.length} versions`],
    [issued <= bounds.issued, `${issued} certificates were issued`],
    [told.length > 0, 'no event told of it'],
    [told.every(({ detail }) => detail['versionId'] === found.versionId), 'an event names another version'],
    [found.tags.get('cert-renewer:version-id') === found.versionId, 'the tags name another version'],
    [!found.tags.has('cert-renewer:failure'), `the tag failure stayed: ${found.tags.get('cert-renewer:failure')}`],
  ];
  const isDeclared = kind.startsWith('declared');
  const asDeclared: typeof facts = [
    [leaf.subjectAltName === `DNS:${declaredName}`, `its names are ${leaf.subjectAltName}`],
    [found.tags.get('cert-renewer:issued') === found.tags.get('cert-renewer:declared'), 'the tag issued is another'],
    [told.every(({ detail }) => detail['operation'] === 'issue'), 'an event tells another operation'],
  ];
  return [...facts, ...(isDeclared ? asDeclared : [])]
    .filter(([holds]) => !holds)
    .map(([, what]) => `${kind}: ${what}`);
}

function isKeyOf(privateKey: string, leaf: X509Certificate): boolean {
  return createPublicKey(createPrivateKey(privateKey)).equals(leaf.publicKey);
}
