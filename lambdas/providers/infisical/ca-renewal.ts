/** Renews a CA's certificate (POST …/renew). Infisical holds the key. */
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { pemBlocks } from '../../domain/pem.ts';
import type { Credential, IssuedChain } from '../../domain/ports.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { jsonObject } from '../ca-answer.ts';
import type { InfisicalClient } from './client.ts';
import type { ReadAuthSecret } from './credentials.ts';
import { refusal } from './errors.ts';
import type { Session } from './session.ts';

export interface Infisical {
  readonly client: InfisicalClient;
  readonly session: Session;
  /** The possible paths of the renewal, in the order to try. */
  readonly paths: readonly string[];
}

export interface RenewalOptions {
  readonly now: Instant;
  readonly readSecret: ReadAuthSecret;
  readonly signal: AbortSignal | undefined;
}

/** Renews the certificate, with the same duration as the current one, from now. Throws what CaProvider.ask throws. */
export async function renew(
  { client, session, paths }: Infisical,
  { leaf }: Credential,
  { now, readSecret, signal }: RenewalOptions,
): Promise<IssuedChain> {
  checkIsCa(leaf);
  const login = { client, conversation: client.converse(signal), readSecret, now };
  const { conversation } = login;
  // Infisical requires milliseconds and Z, as in toISOString.
  const body = { type: 'existing', notAfter: new Date(now + (leaf.notAfter - leaf.notBefore)).toISOString() };
  const authorized = async (path: string): Promise<{ answer: HttpsAnswer; token: string }> => {
    const token = await session.token(login);
    const answer = await conversation.post(path, body, token);
    if (answer.status !== 401) return { answer, token };
    session.forget(token); // it expired early, was used up or revoked
    const another = await session.token(login);
    return { answer: await conversation.post(path, body, another), token: another };
  };
  let refused: RenewalError | undefined;
  for (const path of paths) {
    const { answer, token } = await authorized(path);
    if (answer.status === 200) return { certificates: issuedChain(answer, client.host) };
    const error = refusal(answer, { host: client.host, asked: 'renewal', secrets: [token] });
    if (answer.status !== 404) throw error;
    // An Infisical that knows this path but not the CA has a message of its own.
    if (refused === undefined || isUnknownRoute(refused)) refused = error;
  }
  throw refused ?? new RenewalError('Internal', 'There is no path for the renewal. Report this.');
}

/** Checks that the certificate is a CA's. Throws InvalidRequest. */
export function checkIsCa({ isCa }: Pick<Certificate, 'isCa'>): void {
  if (isCa) return;
  throw new RenewalError(
    'InvalidRequest',
    'The secret contains no CA certificate, but a profile of type infisical renews the certificate of its CA: store that one there.',
  );
}

/** Whether the message is the web framework's: `Route POST:/api/… not found`. */
const isUnknownRoute = ({ message }: RenewalError): boolean => /"Route |not Infisical's JSON/.test(message);

/** Returns `certificate` and `certificateChain` (PEM) as DER, the CA's own certificate first. Throws CaRejected. */
function issuedChain(answer: HttpsAnswer, host: string): Uint8Array[] {
  const fields = jsonObject(answer);
  if (fields === undefined) throw refusal(answer, { host, asked: 'renewal', secrets: [] });
  const { certificate, certificateChain } = fields;
  const own = certificatesOf(certificate, 'certificate', host);
  if (own.length === 0) throw notACertificate(host, 'certificate');
  // A root has no chain: its text is empty.
  return [...own, ...certificatesOf(certificateChain ?? '', 'certificateChain', host)];
}

function certificatesOf(text: unknown, field: string, host: string): Uint8Array[] {
  if (typeof text !== 'string') throw notACertificate(host, field);
  const blocks = pemBlocks(text, `The ${field} that ${host} answered with`, 'CaRejected');
  if (blocks.some(({ label }) => label !== 'CERTIFICATE')) throw notACertificate(host, field);
  if (blocks.length === 0 && text.trim() !== '') throw notACertificate(host, field);
  return blocks.map(({ der }) => der);
}

function notACertificate(host: string, field: string): RenewalError {
  return new RenewalError(
    'CaRejected',
    `The answer of ${host} has no ${field} in PEM, so it is not Infisical's: check that the url of the profile leads to Infisical.`,
  );
}
