/** The common part of the JSON shapes, which differ in the names of their fields. */
import { RenewalError } from '../domain/errors.ts';
import { findLeaves, type PlaceKind, partsOf, planCertificates } from './certificates.ts';
import { type CertificateField, readCertificateField, rewriteField, styleOf } from './json-field.ts';
import { type JsonFields, type Members, readJsonKey, rewriteJsonKey } from './json-key.ts';
import { fieldName, replaceSlices, withoutValues } from './json-text.ts';
import type { ReadContext, ShapeContent } from './shape.ts';

/** Reads a JSON shape. Throws UnsupportedSecret, PasswordRequired, InvalidCertificate. */
export async function readJson(
  text: string,
  members: Members,
  fields: JsonFields,
  context: ReadContext,
): Promise<ShapeContent> {
  const key = await readJsonKey(members, fields, context);
  const places = readPlaces(members, fields);
  const found = places.flatMap((place) => place.found);
  const privateKey = key.content.kind === 'private' ? key.content.privateKey : undefined;
  const leaves = findLeaves(found, privateKey, places[0]?.found.length);
  if (leaves === undefined) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The field ${fieldName(fields.certificate)} is empty: expected the certificate in PEM.`,
    );
  }
  const parts = partsOf(found, leaves);
  return {
    leaf: parts.leaf,
    chain: parts.others,
    key: key.content,
    needsPassword: key.pem?.found.encrypted ?? false,
    rest: withoutValues(text, [...places.map(({ member }) => member), key.pem?.member, key.kms?.member]),
    async write(next) {
      const style = styleOf(places[0]);
      const plans = planCertificates(places, parts, next);
      const certificates = places.flatMap((place, i) => {
        const plan = plans[i];
        return plan === undefined ? [] : rewriteField(text, place, plan, style);
      });
      const keys = await rewriteJsonKey(members, fields, key, next.key, style);
      return replaceSlices(text, [...certificates, ...keys]);
    },
  };
}

/** Returns the fields with certificates. The first one is the leaf's. */
function readPlaces(members: Members, fields: JsonFields): CertificateField[] {
  const kinds: [string, PlaceKind][] = [
    [fields.certificate, 'leaf'],
    ...fields.chains.map((name): [string, PlaceKind] => [name, 'chain']),
    ...(fields.issuer === undefined ? [] : [[fields.issuer, 'issuer'] as [string, PlaceKind]]),
  ];
  return kinds.flatMap(([name, kind]) => {
    const member = members.get(name);
    return member === undefined ? [] : [readCertificateField(name, member, kind)];
  });
}
