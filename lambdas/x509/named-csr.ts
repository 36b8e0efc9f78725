/** Certificate signing requests with names (PKCS #10, RFC 2986). A library writes them; they are checked here and then signed. */
import { type ElementReader, malformed, readSequence, readSingle } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import { readOid, readSmallInteger } from '../asn1/values.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { Extension } from '../domain/certificate.ts';
import { count } from '../domain/count.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { readExtensions } from './certificate.ts';
import { signRequest } from './csr.ts';
import { subjectAltNames } from './general-names.ts';
import { oids } from './oids.ts';
import type { RequestedNames } from './peculiar.ts';

const nameForm = /^(?:dns|ip|email|uri):[!-~]+$/;

/**
 * Creates a DER request for the signer's key (in memory or in KMS), with the subject, and with the names in a subjectAltName extension,
 * which is critical if the subject is empty.
 *
 * Throws InvalidRequest for names that can't be written unchanged, and for a signer whose two halves don't belong together. Throws what the
 * signer throws.
 */
export async function createNamedCsr(signer: Signer, request: RequestedNames): Promise<Uint8Array> {
  const odd = request.names.filter((name) => !nameForm.test(name));
  if (odd.length > 0)
    throw refused(`found ${count(odd.length, 'name')} not in the form dns:, ip:, email: or uri: and a value in ASCII`);
  const info = await written(signer.spki, request);
  const fields = differingRequestFields(info, signer.spki, request);
  if (fields.length > 0) throw refused(`it would differ from the requested names in ${fields.join(', ')}`);
  return signRequest(info, signer);
}

/** Writes the request. Throws InvalidRequest for a name that the library rejects, such as an invalid address. */
async function written(spki: Uint8Array, request: RequestedNames): Promise<Uint8Array> {
  const { writeNamedRequest } = await import('./peculiar.ts');
  try {
    return await writeNamedRequest(spki, request);
  } catch {
    throw refused('one of its names is not valid for its kind'); // the library's message may quote it
  }
}

function refused(problem: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `The certificate request was not signed: ${problem}. Expected names such as dns:www.example.com, ip:192.0.2.1, ip:2001:db8::1, email:a@example.com or uri:spiffe://example.com/a.`,
  );
}

/** Returns the fields of a CertificationRequestInfo that differ from the request. */
export function differingRequestFields(
  info: Uint8Array,
  spki: Uint8Array,
  { subject, names }: RequestedNames,
): string[] {
  let found: RequestInfo;
  try {
    found = readRequestInfo(info);
  } catch {
    return ["a form that can't be read back"];
  }
  const isCritical = readSequence(subject, 'the subject').done;
  const checks: readonly (readonly [field: string, isAsAsked: boolean])[] = [
    ['subject', sameBytes(found.subject, subject)],
    ['public key', sameBytes(found.spki, spki)],
    ['names', found.names.join('\n') === names.join('\n')],
    [
      'extensions',
      found.extensions.length === Math.min(names.length, 1) &&
        found.extensions.every(({ oid, critical }) => oid === oids.subjectAltName && critical === isCritical),
    ],
  ];
  return checks.filter(([, isAsAsked]) => !isAsAsked).map(([field]) => field);
}

interface RequestInfo {
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  /** The extensions of the attribute extensionRequest; empty without it. */
  readonly extensions: readonly Extension[];
  readonly names: readonly string[];
}

/**
 * Reads a CertificationRequestInfo. Throws InvalidCertificate, also for another attribute than extensionRequest (RFC 2985 section 5.4.2).
 */
function readRequestInfo(info: Uint8Array): RequestInfo {
  const fields = readSequence(info, 'the request');
  if (readSmallInteger(fields.take(tags.integer), 'the version') !== 0)
    throw malformed('the request', 'has another version');
  const subject = fields.take(tags.sequence).bytes;
  const spki = fields.take(tags.sequence).bytes;
  const attributes = fields.enter(contextTag(0, true), 'the attributes');
  fields.end();
  const extensions = attributes.done ? [] : requestedExtensions(attributes.enter(tags.sequence));
  attributes.end();
  return { subject, spki, extensions, names: subjectAltNames({ extensions }) };
}

function requestedExtensions(attribute: ElementReader): Extension[] {
  if (readOid(attribute.take(tags.oid), 'an attribute') !== oids.extensionRequest) {
    throw malformed('the request', 'has another attribute');
  }
  const values = attribute.take(tags.set).value;
  attribute.end();
  return readExtensions(readSingle(values, tags.sequence, 'the extensions').bytes);
}
