/** A server with the HTTP API of Infisical. It answers as Infisical does, or as a test decides. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CaProvider, Credential } from '../../lambdas/domain/ports.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { type Infisical, openInfisical } from '../../lambdas/providers/infisical/index.ts';
import { infisical } from '../../lambdas/providers/infisical/kind.ts';
import type { CaTools } from '../../lambdas/providers/kind.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { type Hierarchy, makeHierarchy, pem, signCertificate } from '../certificates/index.ts';
import { providerOf } from './asking.ts';
import { FakeClock } from './clock.ts';
import { TimeLimits } from './time-limits.ts';
import { rootPem, tlsServer } from './tls-server.ts';

export const hour = 3_600_000;
export const day = 24 * hour;
/** The real time, in whole seconds, because TLS uses the real time. */
export const now = Math.floor(Date.now() / 1000) * 1000 + 123;

export interface Question {
  readonly path: string;
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** A status and a body (text, or a value for JSON), or a function of the ServerResponse. */
export type Answer = readonly [status: number, body: unknown] | ((response: ServerResponse) => unknown);

export const loginPath = '/api/v1/auth/universal-auth/login';
export const newPath = '/api/v1/cert-manager/ca/internal/ca-1/renew';
export const oldPath = '/api/v1/pki/ca/ca-1/renew';

export const login = { clientId: 'client-1', clientSecret: 'the-client-secret' };

/** The CA's own certificate, kept with the root that issued it. */
export const ca: Hierarchy = makeHierarchy(now - 300 * day, now + 65 * day, 'Infisical');

export interface FakeInfisical {
  readonly url: string;
  readonly asked: Question[];
  /** The paths of all requests, in order. */
  paths(): string[];
  /** Replaces an answer. It returns undefined for the usual answer. */
  answers: (question: Question, count: number) => Answer | undefined;
  /** Valid access tokens. Each login adds one. */
  readonly tokens: Set<string>;
  /** Seconds. */
  expiresIn: unknown;
  /** Of the auth secret. */
  secret: SecretValue;
  readonly reads: string[];
  /** The clock of all its providers. It stands still. */
  readonly limits: TimeLimits;
  /** The time that its providers have. */
  readonly clock: FakeClock;
  provider(options?: Partial<Infisical>, tools?: Partial<CaTools>): CaProvider;
  close(): Promise<void>;
}

/** Returns the certificate of `ca` as Infisical renews it: only dates and serial number differ. */
export function renewed(notAfter: number, notBefore = now - 60_000): Uint8Array {
  const { subject, spki, extensions } = parseCertificate(ca.intermediate);
  return signCertificate({ subject, spki, extensions, notBefore, notAfter }, { subject: ca.rootName, key: ca.rootKey });
}

export function success(notAfter: number): Record<string, string> {
  return { certificate: pem(renewed(notAfter)).trim(), certificateChain: pem(ca.root).trim(), serialNumber: '01' };
}

export function credential(): Credential {
  return { leaf: parseCertificate(ca.intermediate), chain: [parseCertificate(ca.root)], key: undefined };
}

const problem = (statusCode: number, message: string, error: string): Answer => [
  statusCode,
  { reqId: 'req-1', statusCode, message, error },
];

export async function fakeInfisical(options: { readonly knows?: readonly string[] } = {}): Promise<FakeInfisical> {
  const { knows = [newPath, oldPath] } = options;
  let logins = 0;
  const server = await tlsServer(async (request: IncomingMessage, response: ServerResponse) => {
    const text = Buffer.concat(await request.toArray()).toString();
    const question = {
      path: request.url ?? '',
      method: request.method,
      headers: request.headers,
      body: JSON.parse(text),
    };
    fake.asked.push(question);
    const answer = fake.answers(question, fake.asked.length) ?? usual(question);
    if (typeof answer === 'function') return answer(response);
    const [status, body] = answer;
    return response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });

  function usual({ path, method, headers, body }: Question): Answer {
    const fields = body as Record<string, string>;
    if (method === 'POST' && path === loginPath) {
      if (fields['clientId'] !== login.clientId || fields['clientSecret'] !== login.clientSecret) {
        return problem(401, 'Invalid credentials', 'Unauthorized');
      }
      const accessToken = `access-token-${++logins}`;
      fake.tokens.add(accessToken);
      return [200, { accessToken, expiresIn: fake.expiresIn, accessTokenMaxTTL: 43_244, tokenType: 'Bearer' }];
    }
    if (method !== 'POST' || !knows.includes(path)) {
      return [404, { message: `Route ${method}:${path} not found`, error: 'Not Found', statusCode: 404 }];
    }
    if (!fake.tokens.has(headers.authorization?.replace('Bearer ', '') ?? '')) {
      return problem(401, 'Token missing', 'Unauthorized');
    }
    return [200, success(Math.floor(Date.parse(fields['notAfter'] ?? '') / 1000) * 1000)];
  }

  const fake: FakeInfisical = {
    url: server.url.origin,
    asked: [],
    paths: () => fake.asked.map(({ path }) => path),
    answers: () => undefined,
    tokens: new Set(),
    expiresIn: 7200,
    secret: { kind: 'string', text: JSON.stringify(login) },
    reads: [],
    limits: new TimeLimits(),
    clock: new FakeClock(now),
    provider: (more, tools) => {
      const ca = { url: fake.url, caId: 'ca-1', root: rootPem, authSecretId: 'infisical/auth', ...more };
      const opened = openInfisical(ca, { timeoutMs: hour, abortedIn: fake.limits.abortedIn });
      return providerOf(infisical, opened, { clock: fake.clock, store: authStore(fake), ...tools });
    },
    close: server.close,
  };
  return fake;
}

const authStore = (fake: FakeInfisical): CaTools['store'] => ({
  read: async (secretId) => {
    fake.reads.push(secretId);
    return { versionId: 'v1', value: fake.secret, createdAt: now };
  },
});
