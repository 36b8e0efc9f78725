/** A server that replaces step-ca, with the answers of a test. The real one is in test/conformance/. */
import type { KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { CaProvider, Credential } from '../../../lambdas/domain/ports.ts';
import type { CaTools } from '../../../lambdas/providers/kind.ts';
import { openStepCa } from '../../../lambdas/providers/step-ca/index.ts';
import { stepCa } from '../../../lambdas/providers/step-ca/kind.ts';
import type { Provisioner } from '../../../lambdas/providers/step-ca/provisioner-key.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { commonNameOnly, type LeafRequest, makeKey, makeLeaf, pem } from '../../../testkit/certificates/index.ts';
import { providerOf } from '../../../testkit/fakes/asking.ts';
import { FakeClock } from '../../../testkit/fakes/clock.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { TimeLimits } from '../../../testkit/fakes/time-limits.ts';
import { hierarchy, rootPem, tlsServer } from '../../../testkit/fakes/tls-server.ts';

export const now = Math.floor(Date.now() / 1000) * 1000;
export const hour = 3_600_000;
/** A time-out, in milliseconds, that never ends a call: the `limits` end it before. */
const never = hour;

export interface Question {
  readonly path: string;
  readonly body: string;
  /** Claims of the token; undefined without one. */
  readonly token: { readonly header: { x5cInsecure: string[] }; readonly claims: Record<string, unknown> } | undefined;
  /** Common name of the client certificate. */
  readonly client: string | undefined;
}

/** A status and a body (text, or a value for JSON), or any other use of the ServerResponse. */
export type Answer = readonly [status: number, body: unknown] | ((answer: ServerResponse) => unknown);

export interface MockCa {
  readonly asked: Question[];
  readonly url: string;
  /** Time limits of all its providers. Only the test ends them. */
  readonly limits: TimeLimits;
  provider(options?: { path?: string; root?: string; provisioner?: Provisioner }, tools?: Partial<CaTools>): CaProvider;
  close(): Promise<void>;
}

/** `answers` in order, the last one repeated; or a function that answers each request. */
export async function mockCa(answers: readonly Answer[] | ((question: Question) => Answer)): Promise<MockCa> {
  const asked: Question[] = [];
  const limits = new TimeLimits();
  const { abortedIn } = limits;
  const server = await tlsServer(
    async (request: IncomingMessage, response: ServerResponse) => {
      const question = await read(request);
      asked.push(question);
      const answer =
        typeof answers === 'function' ? answers(question) : (answers[asked.length - 1] ?? answers.at(-1) ?? [500, '']);
      if (typeof answer === 'function') return answer(response);
      const [status, body] = answer;
      return response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    },
    { requestCert: true, rejectUnauthorized: false },
  );
  const url = server.url.origin;
  return {
    asked,
    url,
    limits,
    provider: ({ path = '', root = rootPem, provisioner } = {}, tools = {}) => {
      const opened = openStepCa({ url: url + path, root, provisioner }, { abortedIn, timeoutMs: never });
      return providerOf(stepCa, opened, { clock: new FakeClock(now), ...tools }, provisioner !== undefined);
    },
    close: server.close,
  };
}

async function read(request: IncomingMessage): Promise<Question> {
  const body = Buffer.concat(await request.toArray()).toString();
  const parts = request.headers.authorization?.replace('Bearer ', '').split('.');
  const part = (at: number) => JSON.parse(Buffer.from(parts?.[at] ?? '', 'base64url').toString());
  const client = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
  const token = parts && { header: part(0), claims: part(1) };
  return { path: request.url ?? '', body, token, client: client === undefined ? undefined : String(client) };
}

export interface Wanted extends Partial<LeafRequest> {
  readonly inKms?: boolean;
  readonly alone?: boolean;
  readonly name?: string;
}

export function credential({ inKms = false, alone = false, name = 'leaf.example', ...rest }: Wanted = {}): Credential {
  const key = rest.key ?? makeKey('P-256');
  const usual = { subject: commonNameOnly(name), notBefore: now - hour, notAfter: now + hour };
  const leaf = parseCertificate(makeLeaf({ ...usual, ...rest, key }, hierarchy));
  const chain = alone ? [] : [parseCertificate(hierarchy.intermediate)];
  return { leaf, chain, key: signerFor(key, { inKms }) };
}

export const expired: Wanted = { notBefore: now - 2 * hour, notAfter: now - hour };

/** step-ca's answer with a new certificate for this key. */
export function success(key: KeyObject, name = 'leaf.example'): { crt: string; ca: string; certChain: string[] } {
  const dates = { notBefore: now - 60_000, notAfter: now + hour };
  const crt = pem(makeLeaf({ key, subject: commonNameOnly(name), ...dates }, hierarchy));
  const ca = pem(hierarchy.intermediate);
  return { crt, ca, certChain: [crt, ca] };
}
