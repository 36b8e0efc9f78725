/** CloudFormation's custom resource `Custom::CertRenewerCertificates`: declared certificates by their secrets' names. */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Journal } from '../domain/ports.ts';
import { type CertificateEntry, certificateSchema, certificatesSchema } from '../policy/certificate-entry.ts';
import { explainIssues } from '../policy/vocabulary.ts';
import { type Applied, applyChanges, type DeclarationChange } from './apply-changes.ts';
import { type CustomResourceAnswer, type CustomResourceEvent, parseCustomResourceEvent } from './custom-resource.ts';
import { previousOf } from './previous-declaration.ts';
import type { TaskEnd } from './turns.ts';
import type { DeclarationWorld } from './world.ts';

export interface CertificatesEvent extends CustomResourceEvent {
  /** `Certificates`: JSON of entries by the secret's name. */
  readonly ResourceProperties: { readonly Certificates?: unknown };
  readonly OldResourceProperties: { readonly Certificates?: unknown };
}

const anything = z.object({
  ResourceProperties: z._default(z.record(z.string(), z.unknown()), {}),
  OldResourceProperties: z._default(z.record(z.string(), z.unknown()), {}),
});

/**
 * Parses the event. The properties are validated later, so that CloudFormation gets their errors as an answer. Throws
 * InvalidRequest.
 */
export function parseCertificatesEvent(input: unknown): CertificatesEvent {
  const event = parseCustomResourceEvent(input);
  const { data } = anything.safeParse(input);
  return { ...event, ...(data ?? { ResourceProperties: {}, OldResourceProperties: {} }) };
}

/** Milliseconds that a new role's permissions may take to reach all of AWS. */
const settling = 90_000;

/**
 * Handles the event and returns the answer. Tries every certificate and logs each result. The answer contains the first three
 * failures. Deleting the resource removes the declarations and keeps secrets and certificates.
 *
 * Throws InvalidRequest for properties that are not declared certificates.
 *
 * @param deadline instant after which no other try begins
 */
export async function handleCertificates(
  world: DeclarationWorld & { readonly journal: Pick<Journal, 'decision' | 'failure'> },
  event: CertificatesEvent,
  deadline: Instant,
): Promise<CustomResourceAnswer> {
  const PhysicalResourceId = event.PhysicalResourceId ?? `cert-renewer-certificates-${event.LogicalResourceId}`;
  const changes = changesOf(event);
  const terms = { deadline, settledAt: world.clock.now() + settling, isNewRole: true };
  const ends = await applyChanges({ ...world, declaredBy: resourceOf(event) }, changes, terms);
  for (const end of ends) tell(world.journal, end);
  const failed = ends.flatMap((end) => (end.kind === 'failed' ? [end] : []));
  if (failed.length > 0) return { Status: 'FAILED', Reason: failureOf(failed, changes.length), PhysicalResourceId };
  return { Status: 'SUCCESS', Reason: successOf(ends), PhysicalResourceId, ...dataOf(ends) };
}

/** Returns the stack's name and the resource's id, which together are unique. */
const resourceOf = ({ StackId, LogicalResourceId }: CertificatesEvent): string =>
  `${StackId.split('/')[1] ?? StackId}/${LogicalResourceId}`;

function changesOf({
  RequestType,
  ResourceProperties,
  OldResourceProperties,
}: CertificatesEvent): readonly DeclarationChange[] {
  const gone = (names: readonly string[]): DeclarationChange[] => names.map((name) => ({ name, entry: undefined }));
  // A resource whose creation failed because of invalid properties is deleted with the same properties.
  if (RequestType === 'Delete') return gone([...readableEntries(ResourceProperties).keys()]);
  const wanted = entriesOf(ResourceProperties);
  const before = RequestType === 'Update' ? readableEntries(OldResourceProperties) : new Map<string, undefined>();
  const names = [...before.keys()].filter((name) => !wanted.has(name));
  return [
    ...[...wanted].map(([name, entry]): DeclarationChange => {
      const old = before.get(name);
      return { name, entry, before: old && previousOf(old), isSame: isDeepStrictEqual(old, entry) };
    }),
    ...gone(names),
  ];
}

type Properties = CertificatesEvent['ResourceProperties'];

function entriesOf({ Certificates }: Properties): ReadonlyMap<string, CertificateEntry> {
  const parsed = certificatesSchema.safeParse(jsonOf(Certificates), { reportInput: true });
  if (parsed.success) return new Map(Object.entries(parsed.data));
  throw new RenewalError(
    'InvalidRequest',
    `The property Certificates is not JSON of declared certificates (${explainIssues(parsed.error.issues, 'certificates')}): correct the declarations and deploy again.`,
  );
}

/** Returns all names, and the entries that are valid. */
function readableEntries({ Certificates }: Properties): ReadonlyMap<string, CertificateEntry | undefined> {
  const found = jsonOf(Certificates);
  const entries = typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
  return new Map(entries.map(([name, entry]) => [name, certificateSchema.safeParse(entry).data]));
}

function jsonOf(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function tell(journal: Pick<Journal, 'decision' | 'failure'>, end: TaskEnd<Applied>): void {
  const { name } = end;
  if (end.kind === 'failed') {
    journal.failure({ secretArn: null, error: end.error, name });
    return;
  }
  const { outcome, secretArn = name } = end.result;
  const message =
    outcome === 'undeclared' ? 'The deployment removed the declaration.' : 'The deployment declared the certificate.';
  journal.decision({ secretArn, reason: { code: 'Requested', message }, name, outcome });
}

/** Limits for the characters of a name and of a message. CloudFormation allows 4,096 bytes in total. */
const longestName = 100;
const longestMessage = 340;
const told = 3;

function failureOf(failed: readonly { readonly name: string; readonly error: RenewalError }[], all: number): string {
  const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
  const lines = failed
    .slice(0, told)
    .map(({ name, error: { code, message } }) => `${cut(name, longestName)}: ${code}: ${cut(message, longestMessage)}`);
  const more = failed.length > told ? ` ${failed.length - told} more failed: see the function's log.` : '';
  const [only] = lines;
  return all === 1 && only !== undefined
    ? only
    : `${failed.length} of ${all} certificates failed. ${lines.join(' ')}${more}`;
}

function successOf(ends: readonly TaskEnd<Applied>[]): string {
  const counts = new Map<string, number>();
  for (const end of ends) {
    if (end.kind === 'done') counts.set(end.result.outcome, (counts.get(end.result.outcome) ?? 0) + 1);
  }
  return [...counts].map(([outcome, number]) => `${number} ${outcome}`).join(', ') || 'Nothing is declared.';
}

function dataOf(ends: readonly TaskEnd<Applied>[]): Pick<CustomResourceAnswer, 'Data'> {
  const declared = ends.flatMap((end) =>
    end.kind === 'done' && end.result.secretArn !== undefined
      ? [{ SecretArn: end.result.secretArn, SecretName: end.name }]
      : [],
  );
  const [only, ...others] = declared;
  return only !== undefined && others.length === 0 ? { Data: only } : {};
}
